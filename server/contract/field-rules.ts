/** A rule about fields together, or about a field and what is there already: no schema says it. */
export interface FieldsRule {
  /** By which refusals and findings name it. */
  readonly rule: string
  /** `object.field` of all that it looks at, the one that is refused first. */
  readonly fields: readonly string[]
  readonly words: string
  readonly mend: string
  /** Procedures that refuse by it, or whose change does when it is previewed and committed. */
  readonly of: readonly string[]
}

const NETWORK = ['networks.create', 'networks.update']
const PORT = ['ports.create', 'ports.update']
const GIVE = ['bindings.give', 'groups.give']

const networks: readonly FieldsRule[] = [
  {
    rule: 'network.name-taken',
    fields: ['network.name', 'network.tenantId'],
    words: 'A tenant’s networks have names of their own; names that drafts would give count.',
    ...{ mend: 'Choose another name.', of: NETWORK },
  },
  {
    rule: 'network.vni-taken',
    fields: ['network.vni'],
    words: 'No two networks of the installation have one VNI, whosever they are; what drafts have reserved counts.',
    ...{ mend: 'Choose another, or leave it out and get one from the pool.', of: ['networks.create'] },
  },
  {
    rule: 'network.mtu-budget',
    fields: ['network.mtu', 'server.underlayMtu', 'port.attachmentId'],
    words:
      'The MTU is no larger than what the underlay carries between the servers that the network has ports on, less 50 bytes for VXLAN. ' +
      'While they are all on one server it is a warning.',
    ...{ mend: 'Choose a smaller MTU, or leave it out and get the largest that fits.', of: [...NETWORK, ...PORT] },
  },
  {
    rule: 'network.mtu-least',
    fields: ['network.mtu', 'subnet.prefix'],
    words: 'The MTU is at least 68 bytes, and 1280 as soon as a subnet is one of IPv6.',
    ...{ mend: 'Choose a larger MTU.', of: [...NETWORK, 'subnets.create'] },
  },
  {
    rule: 'network.no-fabric',
    fields: ['port.attachmentId', 'datapath.role'],
    words: 'A server of a network that has ports on several has a switch that leads out of it.',
    ...{ mend: 'Add the server’s own switch to the inventory.', of: ['ports.create'] },
  },
  {
    rule: 'network.no-tunnel',
    fields: ['port.attachmentId', 'datapath.tunnel'],
    words: 'The switch of such a server has a flow-based VXLAN port, and reports it.',
    ...{ mend: 'Name that port in the inventory, and see that the switch reports it.', of: ['ports.create'] },
  },
  {
    rule: 'network.no-vtep',
    fields: ['port.attachmentId', 'server.vtep'],
    words: 'Such a server has a tunnel end, which is an IPv4 address.',
    ...{ mend: 'Give it the address of its underlay interface.', of: ['ports.create'] },
  },
  {
    rule: 'network.no-link',
    fields: ['port.attachmentId', 'datapath.uplink', 'datapath.fabric'],
    words:
      'An edge of a network that has ports elsewhere too is linked to its server’s switch, and both report the port.',
    ...{ mend: 'Name the ports on both ends of the link.', of: ['ports.create'] },
  },
  {
    rule: 'tenant.quota-networks',
    fields: ['network.tenantId', 'tenant.quotas'],
    words: 'A tenant has no more networks than its quota, those that drafts would add included.',
    mend: 'Remove networks that nobody needs, discard drafts, or ask an operator for a larger quota.',
    of: ['networks.create'],
  },
  {
    rule: 'change.tenant',
    fields: ['network.change', 'network.tenantId'],
    words: 'A draft of one tenant edits what is that tenant’s.',
    ...{ mend: 'Use a draft of this tenant, or of none.', of: ['networks.create', 'subnets.create', 'ports.create'] },
  },
]

const subnets: readonly FieldsRule[] = [
  {
    rule: 'subnet.overlap',
    fields: ['subnet.prefix', 'subnet.networkId'],
    words: 'The subnets of a network share no address.',
    ...{ mend: 'Choose a prefix that shares no address with the others.', of: ['subnets.create'] },
  },
  {
    rule: 'subnet.gateway',
    fields: ['subnet.gateway', 'subnet.prefix'],
    words:
      'The gateway is an address inside the prefix; of a prefix of more than two, neither the first nor, in IPv4, the last.',
    ...{ mend: 'Choose a gateway inside the prefix, or none.', of: ['subnets.create'] },
  },
  {
    rule: 'subnet.in-use',
    fields: ['subnet.prefix', 'port.addresses'],
    words: 'A subnet is removed when no port has an address in it.',
    ...{ mend: 'Give these ports other addresses, or remove them, first.', of: ['subnets.remove'] },
  },
]

const ports: readonly FieldsRule[] = [
  {
    rule: 'port.name-taken',
    fields: ['port.name', 'port.networkId'],
    words: 'The ports of a network have names of their own.',
    ...{ mend: 'Give it another name.', of: ['ports.create'] },
  },
  {
    rule: 'port.mac-taken',
    fields: ['port.mac', 'port.networkId'],
    words: 'The ports of a network have MAC addresses of their own.',
    ...{ mend: 'Give it another MAC address.', of: PORT },
  },
  {
    rule: 'port.address-outside',
    fields: ['port.addresses', 'subnet.prefix'],
    words: 'Each address lies in a subnet of the port’s network.',
    ...{ mend: 'Choose another address of the network, or leave it out and get a free one.', of: PORT },
  },
  {
    rule: 'port.address-reserved',
    fields: ['port.addresses', 'subnet.prefix'],
    words: 'Of a subnet of more than two addresses none is the first or, in IPv4, the last.',
    ...{ mend: 'Choose another address of the network, or leave it out and get a free one.', of: PORT },
  },
  {
    rule: 'port.address-gateway',
    fields: ['port.addresses', 'subnet.gateway'],
    words: 'No address is the gateway of its subnet.',
    ...{ mend: 'Choose another address of the network, or leave it out and get a free one.', of: PORT },
  },
  {
    rule: 'port.address-taken',
    fields: ['port.addresses', 'port.tenantId'],
    words: 'Inside a tenant an address is used once, also over several networks.',
    ...{ mend: 'Choose a free one.', of: PORT },
  },
  {
    rule: 'port.address-twice',
    fields: ['port.addresses'],
    words: 'The addresses of a port differ from each other.',
    ...{ mend: 'Leave one of them out.', of: PORT },
  },
  {
    rule: 'port.address-pool',
    fields: ['port.addresses', 'subnet.prefix'],
    words: 'Where addresses are left out, each subnet of the network has a free one.',
    ...{ mend: 'Add a subnet, or remove ports that nobody needs.', of: ['ports.create'] },
  },
  {
    rule: 'port.attachment-taken',
    fields: ['port.attachmentId', 'port.vlan'],
    words: 'An attachment serves one port with each VLAN, and one without.',
    ...{ mend: 'Choose another attachment or VLAN.', of: PORT },
  },
  {
    rule: 'port.attachment-in-network',
    fields: ['port.attachmentId', 'port.networkId'],
    words: 'An attachment is in a network once, whatever the VLAN.',
    ...{ mend: 'Choose another attachment or network.', of: ['ports.create'] },
  },
  {
    rule: 'nic.no-room',
    fields: ['port.attachmentId', 'nic.limits'],
    words: 'A smart NIC serves no more ports than its profile, or its operator, allows.',
    ...{ mend: 'Choose an attachment behind another NIC.', of: ['ports.create'] },
  },
  {
    rule: 'tenant.quota-ports',
    fields: ['port.networkId', 'tenant.quotas'],
    words: 'A tenant has no more ports than its quota, those that drafts would add included.',
    mend: 'Remove ports that nobody needs, discard drafts, or ask an operator for a larger quota.',
    of: ['ports.create'],
  },
]

const inventory: readonly FieldsRule[] = [
  {
    rule: 'inventory.reference',
    fields: ['server.site', 'nic.server', 'datapath.server', 'attachment.datapath'],
    words: 'What a file names as belonging to something is in the file too, or was declared before.',
    ...{ mend: 'Name one that is there.', of: ['inventory.import'] },
  },
  {
    rule: 'inventory.twice',
    fields: ['server.name', 'datapath.name', 'attachment.name'],
    words: 'A file gives each name once.',
    ...{ mend: 'Leave one of them out.', of: ['inventory.import'] },
  },
]

const access: readonly FieldsRule[] = [
  {
    rule: 'user.tenant',
    fields: ['user.tenantId', 'user.role'],
    words:
      'A role whose name begins with `tenant-` is held inside a tenant, the other two nowhere but over all of them.',
    ...{ mend: 'Name a tenant, or leave it out, as the role asks.', of: ['users.create'] },
  },
  {
    rule: 'user.provider',
    fields: ['user.displayName', 'user.email', 'user.providerName'],
    words: 'What an account is called that a provider vouches for is said by that provider.',
    ...{ mend: 'Change it at the identity provider.', of: ['users.update'] },
  },
  {
    rule: 'user.break-glass',
    fields: ['user.breakGlass', 'user.tenantId', 'user.providerName'],
    words: 'Break-glass accounts belong to no tenant and to no provider.',
    ...{ mend: 'Make a local account without a tenant for it.', of: ['users.update'] },
  },
  {
    rule: 'password.name',
    fields: ['password.next', 'user.name', 'user.displayName'],
    words: 'A password is not made of the names of its account, or of the product.',
    ...{ mend: 'Leave names out.', of: ['session.password'] },
  },
  {
    rule: 'password.same',
    fields: ['password.next', 'password.current'],
    words: 'A new password is not the present one.',
    ...{ mend: 'Choose another password.', of: ['session.password'] },
  },
  {
    rule: 'grant.place',
    fields: ['binding.role', 'binding.tenantId', 'binding.siteId'],
    words:
      'A role counts in one tenant, at one site, or everywhere: tenant and site are not both given, a tenant’s roles are held in that ' +
      'tenant, and what belongs to a tenant holds roles there alone.',
    ...{ mend: 'Name the place that fits the role and its holder.', of: GIVE },
  },
  {
    rule: 'grant.nothing',
    fields: ['binding.role', 'binding.tenantId', 'binding.siteId'],
    words: 'A role gives at least one right at the place that is named.',
    ...{ mend: 'Choose another role or place.', of: GIVE },
  },
  {
    rule: 'grant.beyond',
    fields: ['binding.role', 'role.rights', 'token.rights', 'binding.tenantId', 'binding.siteId'],
    words: 'Nobody gives or takes rights that they do not hold themselves at that place.',
    mend: 'Ask somebody who holds it, or leave it out.',
    of: [...GIVE, 'bindings.take', 'groups.take', 'users.create', 'roles.create', 'roles.update', 'tokens.create'],
  },
  {
    rule: 'grant.conditions',
    fields: ['binding.from', 'binding.hours', 'role.rights'],
    words:
      'Whoever holds rights from some networks or at some hours alone gives and takes them under conditions as narrow, and makes no roles of them.',
    mend: 'Give it under conditions as narrow as one’s own.',
    of: [...GIVE, 'bindings.take', 'groups.take', 'users.create', 'roles.create', 'roles.update'],
  },
  {
    rule: 'group.tenant',
    fields: ['group.userId', 'user.tenantId', 'group.tenantId'],
    words: 'Whoever belongs to a tenant is in groups of that tenant alone.',
    ...{ mend: 'Choose a group of that tenant.', of: ['groups.add'] },
  },
  {
    rule: 'session.place',
    fields: ['session.tenantId', 'session.siteId'],
    words: 'One works at a place where one has a role.',
    ...{ mend: 'Choose one of your places.', of: ['session.place'] },
  },
]

const federation: readonly FieldsRule[] = [
  {
    rule: 'provider.owner',
    fields: ['provider.tenantId', 'provider.operators'],
    words: 'A provider signs in the people of one tenant, or the installation’s own: one of the two is given.',
    ...{ mend: 'Name a tenant, or say operators.', of: ['identityProviders.import', 'identityProviders.addOidc'] },
  },
  {
    rule: 'metadata.missing',
    fields: ['provider.metadata', 'provider.metadataUrl'],
    words: 'A SAML provider has metadata, or an address from which they are fetched.',
    ...{ mend: 'Give one of them.', of: ['identityProviders.import', 'identityProviders.renew'] },
  },
  {
    rule: 'metadata.entity',
    fields: ['provider.metadata', 'provider.issuer'],
    words: 'New metadata are those of the provider, or the console, that is there.',
    ...{ mend: 'Add that one as another.', of: ['identityProviders.renew', 'consoles.update'] },
  },
  {
    rule: 'console.no-encryption-key',
    fields: ['console.encrypt', 'console.metadata'],
    words: 'Assertions are encrypted where the metadata hold a key for that.',
    mend: 'Give metadata with an encryption certificate of RSA, or leave assertions in plain.',
    of: ['consoles.register', 'consoles.update'],
  },
]

/** By what they are about, for readers. */
export const FIELD_RULES: Readonly<Record<string, readonly FieldsRule[]>> = {
  ...{ Networks: networks, Subnets: subnets, Ports: ports, Inventory: inventory },
  ...{ 'People and what they may do': access, 'Identity providers and consoles': federation },
}

const item = ({ rule, fields, words, mend }: FieldsRule) =>
  `- \`${rule}\` (${fields.map((field) => `\`${field}\``).join(', ')}): ${words} _${mend}_`

/** All of them as a document. */
export function fieldRulesDocument(): string {
  const sections = Object.entries(FIELD_RULES).map(([title, rules]) => `## ${title}\n\n${rules.map(item).join('\n')}\n`)
  return `# Rules about several fields

What each field may hold is said by its schema, in \`/api/v1/openapi.json\` and at \`/docs\`. Here is what fields mean together, or with what is
there already. A refusal names the rule, the field (\`pointer\`), what is wrong, and how to mend it; in a change such a thing is a finding of its
preview. In OpenAPI the rules of a procedure are its \`x-weft-rules\`. This page is made of \`server/contract/field-rules.ts\`.

${sections.join('\n')}`
}
