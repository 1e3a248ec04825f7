"""Times Cinder's own RBD driver, called as cinder-volume calls it: cinder_driver.py CONF POOL USER COUNT → JSON, milliseconds."""
import json
import sys
import time
import uuid

from cinder import context, objects
from cinder.objects import fields
from cinder.volume import configuration, driver as base
from cinder.volume.drivers import rbd
from oslo_config import cfg


def main(conf, pool, user, count):
    objects.register_all()
    cfg.CONF([], project='cinder', default_config_files=[])
    options = configuration.Configuration(base.volume_opts + rbd.RBD_OPTS, config_group='rbd')
    for name, value in (('rbd_ceph_conf', conf), ('rbd_pool', pool), ('rbd_user', user)):
        cfg.CONF.set_override(name, value, group='rbd')
    driver = rbd.RBDDriver(configuration=options, active_backend_id=None)
    driver.do_setup(None)
    admin = context.get_admin_context()

    def volume():
        return objects.Volume(admin, id=str(uuid.uuid4()), size=1, host='h@rbd#rbd', status='creating',
                              volume_type_id=None, encryption_key_id=None, _name_id=None, provider_location=None, use_quota=True, multiattach=False, metadata={}, volume_type=None, group_id=None, display_name=None)

    times = {}

    def timed(what, work):
        began = time.monotonic()
        work()
        times.setdefault(what, []).append((time.monotonic() - began) * 1000)

    for _ in range(count):
        source, copy, clone = volume(), volume(), volume()
        snapshot = objects.Snapshot(admin, id=str(uuid.uuid4()), volume_id=source.id, volume_size=1,
                                    status=fields.SnapshotStatus.CREATING)
        snapshot.volume = source
        timed('create', lambda: driver.create_volume(source))
        timed('snapshot', lambda: driver.create_snapshot(snapshot))
        timed('createFromSnapshot', lambda: driver.create_volume_from_snapshot(copy, snapshot))
        timed('delete', lambda: driver.delete_volume(copy))
        timed('deleteSnapshot', lambda: driver.delete_snapshot(snapshot))
        timed('clone', lambda: driver.create_cloned_volume(clone, source))
        driver.delete_volume(clone)
        driver.delete_volume(source)
    json.dump(times, sys.stdout)


main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
