"""Attaches a volume of Ceph by os-brick: its connection as JSON in the first argument, what was seen as JSON on standard output."""
import json
import os
import sys
import time

from oslo_concurrency import lockutils
from oslo_config import cfg

cfg.CONF([], project='lab')
lockutils.set_defaults('/run/lock')
from os_brick.initiator import connector  # noqa: E402

MIB = 1024 * 1024


def size_of(file):
    file.seek(0, os.SEEK_END)
    return file.tell()


def write(file, offset, byte):
    file.seek(offset)
    file.write(bytes([byte]) * MIB)
    file.flush()


def main():
    data, folder = json.loads(sys.argv[1]), sys.argv[2]
    rbd = connector.InitiatorConnector.factory('RBD', '')
    device = rbd.connect_volume(data)
    file = device['path']
    before = size_of(file)
    write(file, 0, 0x71)
    open(folder + '/written', 'w').close()
    while not os.path.exists(folder + '/extended'):
        time.sleep(0.1)
    rbd.disconnect_volume(data, device)
    device = rbd.connect_volume(data)
    file = device['path']
    after = size_of(file)
    write(file, after - MIB, 0x72)
    rbd.disconnect_volume(data, device)
    print(json.dumps({'before': before, 'after': after}))


main()
