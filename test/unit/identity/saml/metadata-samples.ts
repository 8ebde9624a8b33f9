import { bodyOf } from './credentials.ts'

/** Metadata in the shapes that well-known products give, made small: the same parts, order, prefixes and oddities. */

const MD = 'urn:oasis:names:tc:SAML:2.0:metadata'
const DS = 'http://www.w3.org/2000/09/xmldsig#'
const PROTOCOL = 'urn:oasis:names:tc:SAML:2.0:protocol'
const BINDINGS = 'urn:oasis:names:tc:SAML:2.0:bindings'

const key = (prefix: string, use: string, certificate: string, body = bodyOf(certificate)) =>
  `<${prefix}KeyDescriptor${use}><ds:KeyInfo xmlns:ds="${DS}"><ds:X509Data><ds:X509Certificate>${body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></${prefix}KeyDescriptor>`

/** Identity provider on loopback, declaration, `md:` prefixes, keys for both uses apart, contact with address. */
export const simplesamlphp = (certificate: string): string => `<?xml version="1.0" encoding="utf-8"?>
<md:EntityDescriptor xmlns:md="${MD}" xmlns:ds="${DS}" entityID="http://127.0.0.1:18080/idp">
  <md:IDPSSODescriptor protocolSupportEnumeration="${PROTOCOL}">
    ${key('md:', ' use="signing"', certificate)}
    ${key('md:', ' use="encryption"', certificate)}
    <md:SingleLogoutService Binding="${BINDINGS}:HTTP-Redirect" Location="http://127.0.0.1:18080/saml2/idp/SingleLogoutService.php"/>
    <md:SingleLogoutService Binding="${BINDINGS}:SOAP" Location="http://127.0.0.1:18080/saml2/idp/SingleLogoutService.php"/>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
    <md:SingleSignOnService Binding="${BINDINGS}:HTTP-Redirect" Location="http://127.0.0.1:18080/saml2/idp/SSOService.php"/>
    <md:SingleSignOnService Binding="${BINDINGS}:HTTP-POST" Location="http://127.0.0.1:18080/saml2/idp/SSOService.php"/>
  </md:IDPSSODescriptor>
  <md:ContactPerson contactType="technical">
    <md:GivenName>Administrator</md:GivenName>
    <md:EmailAddress>mailto:root@example.org</md:EmailAddress>
  </md:ContactPerson>
</md:EntityDescriptor>
`

/** Entities around one entity, certificates of one line with a KeyName, artifact endpoints, ECP-like SOAP sign-on. */
export const keycloak = (certificate: string): string =>
  `<md:EntitiesDescriptor xmlns="${MD}" xmlns:md="${MD}" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:ds="${DS}" Name="urn:keycloak"><md:EntityDescriptor entityID="https://keycloak.example.org/realms/weft"><md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="${PROTOCOL}"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:KeyName>J5F6z</ds:KeyName><ds:X509Data><ds:X509Certificate>${bodyOf(certificate)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:ArtifactResolutionService Binding="${BINDINGS}:SOAP" Location="https://keycloak.example.org/realms/weft/protocol/saml/resolve" index="0"/><md:SingleLogoutService Binding="${BINDINGS}:HTTP-POST" Location="https://keycloak.example.org/realms/weft/protocol/saml"/><md:SingleLogoutService Binding="${BINDINGS}:HTTP-Redirect" Location="https://keycloak.example.org/realms/weft/protocol/saml"/><md:SingleLogoutService Binding="${BINDINGS}:HTTP-Artifact" Location="https://keycloak.example.org/realms/weft/protocol/saml"/><md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat><md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat><md:SingleSignOnService Binding="${BINDINGS}:HTTP-POST" Location="https://keycloak.example.org/realms/weft/protocol/saml"/><md:SingleSignOnService Binding="${BINDINGS}:HTTP-Redirect" Location="https://keycloak.example.org/realms/weft/protocol/saml"/><md:SingleSignOnService Binding="${BINDINGS}:SOAP" Location="https://keycloak.example.org/realms/weft/protocol/saml"/></md:IDPSSODescriptor></md:EntityDescriptor></md:EntitiesDescriptor>`

/** A byte order mark, no prefixes, both roles with several keys, and WS-Federation roles that are none of ours. */
export const adfs = (current: string, next: string): string =>
  `\ufeff<EntityDescriptor ID="_3f1f6a0e-7f5b" entityID="http://adfs.example.org/adfs/services/trust" xmlns="${MD}"><RoleDescriptor xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/ws-sx/ws-trust/200512 http://schemas.xmlsoap.org/ws/2005/02/trust http://docs.oasis-open.org/wsfed/federation/200706" ServiceDisplayName="Example" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706">${key('', ' use="signing"', current)}<fed:PassiveRequestorEndpoint><EndpointReference xmlns="http://www.w3.org/2005/08/addressing"><Address>https://adfs.example.org/adfs/ls/</Address></EndpointReference></fed:PassiveRequestorEndpoint></RoleDescriptor><SPSSODescriptor WantAssertionsSigned="true" protocolSupportEnumeration="${PROTOCOL}">${key('', ' use="encryption"', current)}${key('', ' use="signing"', current)}<SingleLogoutService Binding="${BINDINGS}:HTTP-Redirect" Location="https://adfs.example.org/adfs/ls/"/><NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat><AssertionConsumerService Binding="${BINDINGS}:HTTP-POST" Location="https://adfs.example.org/adfs/ls/" index="0" isDefault="true"/><AssertionConsumerService Binding="${BINDINGS}:HTTP-Artifact" Location="https://adfs.example.org/adfs/ls/" index="1"/></SPSSODescriptor><IDPSSODescriptor protocolSupportEnumeration="${PROTOCOL}">${key('', ' use="encryption"', current)}${key('', ' use="signing"', current)}${key('', ' use="signing"', next)}<SingleLogoutService Binding="${BINDINGS}:HTTP-Redirect" Location="https://adfs.example.org/adfs/ls/" ResponseLocation="https://adfs.example.org/adfs/ls/done"/><NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</NameIDFormat><SingleSignOnService Binding="${BINDINGS}:HTTP-Redirect" Location="https://adfs.example.org/adfs/ls/"/><SingleSignOnService Binding="${BINDINGS}:HTTP-POST" Location="https://adfs.example.org/adfs/ls/"/><Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" FriendlyName="E-Mail Address" xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/></IDPSSODescriptor><ContactPerson contactType="support"/></EntityDescriptor>`

/** An id with a slash at its end, keys broken over lines, one key declared twice. */
export const entra = (current: string, next: string): string =>
  `<?xml version="1.0" encoding="utf-8"?><EntityDescriptor ID="_8e2c" entityID="https://sts.windows.net/00000000-aaaa/" xmlns="${MD}"><IDPSSODescriptor protocolSupportEnumeration="${PROTOCOL}">${key('', ' use="signing"', current, `\n${bodyOf(current).replace(/.{76}/g, '$&\r\n')}\n`)}${key('', ' use="signing"', next)}${key('', ' use="signing"', current)}<SingleLogoutService Binding="${BINDINGS}:HTTP-Redirect" Location="https://login.microsoftonline.com/00000000-aaaa/saml2"/><SingleSignOnService Binding="${BINDINGS}:HTTP-Redirect" Location="https://login.microsoftonline.com/00000000-aaaa/saml2"/><SingleSignOnService Binding="${BINDINGS}:HTTP-POST" Location="https://login.microsoftonline.com/00000000-aaaa/saml2"/></IDPSSODescriptor></EntityDescriptor>`

/** A service provider with a key for both uses and comments that people left. */
export const mellon = (certificate: string): string => `<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- made by hand -->
<EntityDescriptor entityID="https://vnf.example.org/mellon/metadata" xmlns="${MD}">
  <!-- one role -- or nearly -->
  <SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" protocolSupportEnumeration="${PROTOCOL}">
    ${key('', '', certificate)}
    <SingleLogoutService Binding="${BINDINGS}:SOAP" Location="https://vnf.example.org/mellon/logout"/>
    <SingleLogoutService Binding="${BINDINGS}:HTTP-Redirect" Location="https://vnf.example.org/mellon/logout"/>
    <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</NameIDFormat>
    <AssertionConsumerService index="0" isDefault="true" Binding="${BINDINGS}:HTTP-POST" Location="https://vnf.example.org/mellon/postResponse"/>
    <AssertionConsumerService index="1" Binding="${BINDINGS}:HTTP-Artifact" Location="https://vnf.example.org/mellon/artifactResponse"/>
    <AssertionConsumerService index="2" Binding="${BINDINGS}:PAOS" Location="https://vnf.example.org/mellon/paosResponse"/>
  </SPSSODescriptor>
</EntityDescriptor>
<!-- end -->
`
