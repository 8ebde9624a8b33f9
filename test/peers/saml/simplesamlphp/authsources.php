<?php
require_once __DIR__ . '/peer.php';
$config = ['admin' => ['core:AdminPassword'], 'people' => ['exampleauth:UserPass'] + weft_peer()['users']];
