<?php
require_once __DIR__ . '/peer.php';
$peer = weft_peer();
$folder = getenv('WEFT_PEER_FOLDER') . '/';
$config = [
    'baseurlpath' => $peer['origin'] . '/',
    'certdir' => $folder, 'loggingdir' => $folder, 'datadir' => $folder . 'data/', 'tempdir' => $folder . 'tmp/',
    'metadatadir' => __DIR__ . '/metadata/',
    'timezone' => 'UTC',
    'secretsalt' => $peer['salt'],
    'auth.adminpassword' => $peer['salt'],
    'admin.protectindexpage' => false, 'admin.protectmetadata' => false, 'admin.checkforupdates' => false,
    'technicalcontact_name' => 'test', 'technicalcontact_email' => 'na@example.org',
    'logging.level' => 6, 'logging.handler' => 'file', 'logging.logfile' => 'simplesamlphp.log',
    'showerrors' => true, 'errorreporting' => false,
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.duration' => 28800, 'session.cookie.path' => '/', 'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    // Browsers share cookies between ports: every provider has names of its own.
    'session.cookie.name' => $peer['name'] . '-id',
    'session.phpsession.cookiename' => $peer['name'] . '-session',
    'session.authtoken.cookiename' => $peer['name'] . '-token',
    'session.phpsession.savepath' => $folder . 'tmp/', 'session.phpsession.httponly' => true,
    'store.type' => 'phpsession',
    'language.available' => ['en'], 'language.default' => 'en', 'language' => ['priorities' => []],
    'theme.use' => 'default',
    'metadata.sources' => [['type' => 'flatfile']],
    'metadata.sign.enable' => $peer['signMetadata'],
    'metadata.sign.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'trusted.url.domains' => null,
    'assertion.allowed_clock_skew' => 180,
];
