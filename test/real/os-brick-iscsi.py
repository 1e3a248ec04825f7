"""Does with os-brick, in one process (importing it takes long), what each line of its input asks for, as JSON."""

import json
import os
import sys
import time

from oslo_concurrency import lockutils
from oslo_config import cfg

cfg.CONF([], project='lab')
lockutils.set_defaults('/run/lock')

import os_brick
from os_brick import privileged
from os_brick.initiator import connector

privileged.default.set_client_mode(False)
if hasattr(os_brick, 'setup'):
    os_brick.setup(cfg.CONF)

connectors = {}
devices = {}


def connector_for(multipath):
    if multipath not in connectors:
        connectors[multipath] = connector.InitiatorConnector.factory(
            'ISCSI', '', use_multipath=multipath, device_scan_attempts=5)
    return connectors[multipath]


def fill(path, offset, length, byte):
    with open(path, 'r+b', buffering=0) as device:
        device.seek(offset)
        device.write(bytes([byte]) * length)


def size(path):
    with open(path, 'rb') as device:
        return device.seek(0, 2)


def perform(deed):
    verb = deed['do']
    if verb == 'properties':
        return connector.get_connector_properties('', '10.0.2.15', deed['multipath'], False)
    if verb == 'pause':
        open('/run/os-brick-' + deed['name'], 'w').close()
        while os.path.exists('/run/os-brick-' + deed['name']):
            time.sleep(0.1)
        return None
    osb = connector_for(deed['multipath'])
    data = deed['data']
    key = data['volume_id']
    if verb == 'connect':
        devices[key] = osb.connect_volume(dict(data))
        return devices[key]
    if verb == 'write':
        fill(devices[key]['path'], deed['offset'], deed['length'], deed['byte'])
        return size(devices[key]['path'])
    if verb == 'extend':
        return osb.extend_volume(dict(data))
    if verb == 'disconnect':
        osb.disconnect_volume(dict(data), devices.pop(key))
    return None


for line in sys.stdin:
    try:
        print(json.dumps({'result': perform(json.loads(line))}), flush=True)
    except Exception as error:
        print(json.dumps({'error': type(error).__name__, 'message': str(error)}), flush=True)
