<?php
require_once dirname(__DIR__) . '/peer.php';
$peer = weft_peer();
// The service providers' own metadata, read by SimpleSAMLphp's parser; over it only what the test chose of signing.
foreach (glob(getenv('WEFT_PEER_FOLDER') . '/service-providers/*.xml') as $file) {
    foreach (\SimpleSAML\Metadata\SAMLParser::parseDescriptorsFile($file) as $entityId => $entity) {
        $found = $entity->getMetadata20SP();
        if ($found !== null) {
            $metadata[$entityId] = array_merge($found, $peer['serviceProvider']);
        }
    }
}
