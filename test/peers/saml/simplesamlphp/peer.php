<?php
// What one running provider is told: read at every request, so that a test can change it while it runs.
function weft_peer(): array
{
    return json_decode(file_get_contents(getenv('WEFT_PEER_FOLDER') . '/peer.json'), true, 32, JSON_THROW_ON_ERROR);
}
