<?php
require_once dirname(__DIR__) . '/peer.php';
$peer = weft_peer();
$metadata[$peer['entityId']] = [
    'host' => '__DEFAULT__',
    'auth' => 'people',
    'sign.logout' => true, 'validate.logout' => true, 'validate.authnrequest' => true,
    'redirect.sign' => true, 'redirect.validate' => true,
    'SingleSignOnServiceBinding' => [
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
    ],
    'authproc' => [
        5 => [
            'class' => 'saml:AttributeNameID', 'attribute' => 'mail',
            'Format' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
        ],
        6 => ['class' => 'saml:PersistentNameID', 'attribute' => 'uid'],
        7 => ['class' => 'saml:TransientNameID'],
    ],
] + $peer['identityProvider'];
