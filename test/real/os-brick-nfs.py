"""Attaches volumes on NFS by os-brick: connections as JSON in the first argument, what was seen as JSON on standard output."""
import json
import os
import subprocess
import sys
import time

from oslo_concurrency import lockutils
from oslo_config import cfg

cfg.CONF([], project='lab')
lockutils.set_defaults('/run/lock')
from os_brick import privileged  # noqa: E402
from os_brick.initiator import connector  # noqa: E402

privileged.default.set_client_mode(False)  # root needs no daemon for its privileges

MIB = 1024 * 1024


def size_of(path, kind):
    if kind == 'raw':
        with open(path, 'rb') as file:
            return file.seek(0, os.SEEK_END)
    out = subprocess.check_output(['qemu-img', 'info', '-U', '--output=json', '-f', kind, path])
    return json.loads(out)['virtual-size']


def write(path, kind, offset, byte):
    if kind == 'raw':
        with open(path, 'r+b') as file:
            file.seek(offset)
            file.write(bytes([byte]) * MIB)
            os.fsync(file.fileno())
    else:
        command = 'write -P %d %d %d' % (byte, offset, MIB)
        subprocess.check_call(['qemu-io', '-f', kind, '-c', command, '-c', 'flush', path], stdout=subprocess.DEVNULL)


def main():
    connections = json.loads(sys.argv[1])
    folder = sys.argv[2]
    os.makedirs(folder)
    nfs = connector.InitiatorConnector.factory('NFS', '', nfs_mount_point_base=folder + '/mnt')
    seen, devices = [], []
    for connection in connections:
        data = connection['data']
        device = nfs.connect_volume(data)
        devices.append(device)
        write(device['path'], data['format'], 0, 0x71)
        seen.append({'path': device['path'], 'before': size_of(device['path'], data['format'])})
    open(folder + '/written', 'w').close()
    while not os.path.exists(folder + '/extended'):
        time.sleep(0.2)
    for connection, device, one in zip(connections, devices, seen):
        data = connection['data']
        one['after'] = size_of(device['path'], data['format'])
        write(device['path'], data['format'], one['after'] - MIB, 0x72)
        nfs.disconnect_volume(data, device)
    print(json.dumps(seen))


main()
