#!/usr/bin/env bash
# services.sh: Debian's own Keystone, Glance and Cinder on loopback, to measure beside. Cinder and Glance keep their bytes in
# the Ceph cluster that PEERS_CEPH_CONF names (pools volumes, images, backups; users admin and cinder).
#   services.sh install    make databases, users, catalogue and a volume type in PEERS_STATE, and leave everything running
#   services.sh up | down  start or stop what was installed
#   services.sh env        the OS_… variables of its administrator and of the service user that may detach
#   services.sh wipe       stop and remove PEERS_STATE
# Packages: memcached uwsgi-core uwsgi-plugin-python3 keystone glance-api cinder-api cinder-scheduler cinder-volume cinder-backup
#   python3-memcache python3-pymysql python3-rbd python3-rados python3-keystoneclient python3-cinderclient mariadb-server rabbitmq-server
set -euo pipefail
STATE=${PEERS_STATE:-/var/tmp/hearth-peers}
CEPH_CONF_FILE=${PEERS_CEPH_CONF:-}
HOST=127.0.0.1
DB_PORT=13306 BUS_PORT=15671 CACHE_PORT=11911 IDENTITY_PORT=15000 IMAGE_PORT=19292 VOLUME_PORT=18776
PASSWORD=peers
ETC=$STATE/etc LOG=$STATE/log PID=$STATE/pid RUN=$STATE/run
export PATH=/usr/bin:/bin:/usr/sbin:/sbin PYTHONWARNINGS=ignore
unset PYENV_VERSION PYTHONPATH http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

say() { echo "peers: $*" >&2; }
die() { say "$*"; exit 1; }
start() { # name, command…
  local name=$1; shift
  [ -s "$PID/$name" ] && kill -0 "$(cat "$PID/$name")" 2>/dev/null && return 0
  setsid nohup "$@" >>"$LOG/$name.log" 2>&1 </dev/null &
  echo $! >"$PID/$name"
}
stop() { # name: the process group, politely, then not
  local name=$1 pid
  [ -s "$PID/$name" ] || return 0
  pid=$(cat "$PID/$name")
  kill -TERM -- "-$pid" 2>/dev/null || true
  for _ in $(seq 60); do kill -0 -- "-$pid" 2>/dev/null || break; sleep 0.25; done
  kill -KILL -- "-$pid" 2>/dev/null || true
  rm -f "$PID/$name"
}
wait_port() { for _ in $(seq 600); do (exec 3<>"/dev/tcp/$HOST/$1") 2>/dev/null && return 0; sleep 0.1; done; die "nothing answers on port $1; logs in $LOG"; }
wait_http() { for _ in $(seq 600); do case $(curl -s -o /dev/null -m 5 -w '%{http_code}' "$1") in 200|300|401) return 0 ;; esac; sleep 0.1; done; die "$1 does not answer; logs in $LOG"; }
# os-brick reads /etc/ceph whatever the configuration says
with_ceph() { local name=$1; shift; start "$name" unshare -m sh -c 'mkdir -p /etc/ceph && mount --bind "$0" /etc/ceph && exec "$@"' "$ETC/ceph" "$@"; }
database_url() { echo "mysql+pymysql://$1:$PASSWORD@$HOST:$DB_PORT/$1?charset=utf8mb4"; }
sql() { mysql --no-defaults -S "$RUN/mysql.sock" -uroot "$@"; }

auth_section() { # section, user
  printf '[%s]\nauth_type = password\nauth_url = http://%s:%s\nusername = %s\npassword = %s\nproject_name = service\nuser_domain_name = Default\nproject_domain_name = Default\n' \
    "$1" "$HOST" "$IDENTITY_PORT" "$2" "$PASSWORD"
}
token_section() { # user
  auth_section keystone_authtoken "$1"
  printf 'www_authenticate_uri = http://%s:%s\nmemcached_servers = %s:%s\nservice_token_roles = service\nservice_token_roles_required = true\ninterface = public\n' "$HOST" "$IDENTITY_PORT" "$HOST" "$CACHE_PORT"
}

configure() {
  [ -n "$CEPH_CONF_FILE" ] || die "PEERS_CEPH_CONF names no ceph.conf"
  mkdir -p "$ETC"/{keystone,glance,cinder,ceph} "$LOG" "$PID" "$RUN" "$STATE"/{mysql,home,keystone/fernet,keystone/credential,glance/staging,glance/tasks,cinder/lock,cinder/coord,cinder/conversion,rabbit/mnesia,rabbit/log}
  chmod 755 "$STATE"; chmod 700 "$STATE"/keystone/{fernet,credential}
  cp "$CEPH_CONF_FILE" "$ETC/ceph/ceph.conf"
  cp "$(dirname "$CEPH_CONF_FILE")/keyring" "$ETC/ceph/ceph.client.admin.keyring"
  cat >"$ETC/keystone/keystone.conf" <<CONF
[DEFAULT]
use_stderr = true
[database]
connection = $(database_url keystone)
[cache]
enabled = true
backend = dogpile.cache.pymemcache
memcache_servers = $HOST:$CACHE_PORT
[token]
provider = fernet
[fernet_tokens]
key_repository = $STATE/keystone/fernet
[fernet_receipts]
key_repository = $STATE/keystone/fernet
[credential]
key_repository = $STATE/keystone/credential
CONF
  cat >"$ETC/keystone/uwsgi.ini" <<CONF
[uwsgi]
buffer-size = 65535
master = true
thunder-lock = true
plugins = python3
lazy-apps = true
die-on-term = true
enable-threads = true
processes = 2
threads = 32
listen = 1024
http-raw-body = true
add-header = Connection: close
wsgi-file = /usr/bin/keystone-wsgi-public
http-socket = $HOST:$IDENTITY_PORT
CONF
  cp -r /etc/glance/glance-api-paste.ini /etc/glance/metadefs /etc/glance/schema-image.json "$ETC/glance/"
  cat >"$ETC/glance/glance-api.conf" <<CONF
[DEFAULT]
bind_host = $HOST
bind_port = $IMAGE_PORT
workers = 2
enabled_backends = rbd:rbd
show_image_direct_url = true
show_multiple_locations = true
use_stderr = true
log_dir =
[database]
connection = $(database_url glance)
[glance_store]
default_backend = rbd
[rbd]
rbd_store_ceph_conf = $CEPH_CONF_FILE
rbd_store_user = admin
rbd_store_pool = images
store_description = ceph
[os_glance_staging_store]
filesystem_store_datadir = $STATE/glance/staging
[os_glance_tasks_store]
filesystem_store_datadir = $STATE/glance/tasks
$(token_section glance)
[paste_deploy]
flavor = keystone
config_file = $ETC/glance/glance-api-paste.ini
[oslo_concurrency]
lock_path = $STATE/glance/lock
CONF
  cp -r /etc/cinder/api-paste.ini /etc/cinder/rootwrap.conf /etc/cinder/rootwrap.d /etc/cinder/resource_filters.json "$ETC/cinder/"
  sed -i "s#^filters_path=.*#filters_path=$ETC/cinder/rootwrap.d,/usr/share/cinder/rootwrap#" "$ETC/cinder/rootwrap.conf"
  cat >"$ETC/cinder/cinder.conf" <<CONF
[DEFAULT]
auth_strategy = keystone
my_ip = $HOST
host = peer1
use_stderr = true
log_dir =
state_path = $STATE/cinder
api_paste_config = $ETC/cinder/api-paste.ini
resource_query_filters_file = $ETC/cinder/resource_filters.json
rootwrap_config = $ETC/cinder/rootwrap.conf
osapi_volume_listen = $HOST
osapi_volume_listen_port = $VOLUME_PORT
osapi_volume_workers = 2
glance_api_servers = http://$HOST:$IMAGE_PORT
enabled_backends = rbd
default_volume_type = rbd
image_conversion_dir = $STATE/cinder/conversion
transport_url = rabbit://cinder:$PASSWORD@$HOST:$BUS_PORT/
backup_driver = cinder.backup.drivers.ceph.CephBackupDriver
backup_ceph_conf = $CEPH_CONF_FILE
backup_ceph_user = admin
backup_ceph_pool = backups
quota_volumes = -1
quota_snapshots = -1
quota_gigabytes = -1
quota_backups = -1
quota_backup_gigabytes = -1
[database]
connection = $(database_url cinder)
$(token_section cinder)
$(auth_section nova cinder)
$(auth_section service_user cinder)
send_service_user_token = true
[oslo_concurrency]
lock_path = $STATE/cinder/lock
[oslo_messaging_notifications]
driver = noop
[coordination]
backend_url = file://$STATE/cinder/coord
[rbd]
volume_driver = cinder.volume.drivers.rbd.RBDDriver
volume_backend_name = rbd
rbd_ceph_conf = $CEPH_CONF_FILE
rbd_cluster_name = ceph
rbd_pool = volumes
rbd_user = ${PEERS_CEPH_USER:-cinder}
report_discard_supported = true
CONF
}

up_databases() {
  chown -R mysql:mysql "$STATE/mysql"; chown mysql "$RUN"
  [ -d "$STATE/mysql/mysql" ] || mariadb-install-db --no-defaults --datadir="$STATE/mysql" --user=mysql --auth-root-authentication-method=socket >>"$LOG/mariadb.log" 2>&1
  start mariadb mariadbd --no-defaults --datadir="$STATE/mysql" --port=$DB_PORT --bind-address=$HOST --socket="$RUN/mysql.sock" --user=mysql --innodb-buffer-pool-size=512M --max-connections=1000 --character-set-server=utf8mb4
  start memcached memcached -u nobody -l $HOST -p $CACHE_PORT -m 256 -c 2048
  ( export HOME=$STATE/rabbit RABBITMQ_NODENAME=peers@localhost RABBITMQ_NODE_PORT=$BUS_PORT RABBITMQ_NODE_IP_ADDRESS=$HOST \
      RABBITMQ_DIST_PORT=15672 ERL_EPMD_ADDRESS=$HOST ERL_EPMD_PORT=14369 RABBITMQ_MNESIA_BASE=$STATE/rabbit/mnesia \
      RABBITMQ_LOG_BASE=$STATE/rabbit/log RABBITMQ_CONFIG_FILE=$ETC/rabbitmq RABBITMQ_ENABLED_PLUGINS_FILE=$ETC/rabbitmq_plugins \
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' ERL_MAX_PORTS=65536 RABBITMQ_LOGS=-
    echo '[].' >"$ETC/rabbitmq_plugins"
    printf 'loopback_users = none\ndefault_user = cinder\ndefault_pass = %s\n' $PASSWORD >"$ETC/rabbitmq.conf"
    start epmd epmd -address $HOST -port 14369
    start rabbitmq /usr/lib/rabbitmq/bin/rabbitmq-server )
  wait_port $DB_PORT; wait_port $CACHE_PORT; wait_port $BUS_PORT
  for _ in $(seq 50); do sql -e 'select 1' >/dev/null 2>&1 && break; sleep 0.1; done
}
up_identity() { OS_KEYSTONE_CONFIG_FILES=$ETC/keystone/keystone.conf start keystone uwsgi --ini "$ETC/keystone/uwsgi.ini"; wait_http http://$HOST:$IDENTITY_PORT/v3; }
up_services() {
  export HOME=$STATE/home
  with_ceph glance-api glance-api --config-file "$ETC/glance/glance-api.conf"
  # Cinder's own server: under Debian's uwsgi setting 200 requests at once stall it
  for role in api scheduler volume backup; do with_ceph cinder-$role cinder-$role --config-file "$ETC/cinder/cinder.conf"; done
  wait_http http://$HOST:$IMAGE_PORT/; wait_http http://$HOST:$VOLUME_PORT/
  # the scheduler learns of the backend by the volume role's next report, up to a minute later
  export $(environment | grep -v SERVICE)
  for _ in $(seq 60); do cinder get-pools 2>/dev/null | grep -q peer1@rbd && return 0; sleep 1; done
  die "the scheduler knows no backend; logs in $LOG"
}
down() { [ -d "$PID" ] || return 0; for name in cinder-api cinder-scheduler cinder-volume cinder-backup glance-api keystone rabbitmq epmd memcached mariadb; do stop $name & done; wait; }
environment() { cat <<ENV
OS_AUTH_URL=http://$HOST:$IDENTITY_PORT/v3
OS_USERNAME=admin
OS_PASSWORD=$PASSWORD
OS_PROJECT_NAME=admin
OS_USER_DOMAIN_NAME=Default
OS_PROJECT_DOMAIN_NAME=Default
OS_IDENTITY_API_VERSION=3
OS_REGION_NAME=RegionOne
OS_SERVICE_USERNAME=cinder
OS_SERVICE_PASSWORD=$PASSWORD
ENV
}

install() {
  configure; up_databases
  local name keystone_manage="keystone-manage --config-file $ETC/keystone/keystone.conf"
  for name in keystone glance cinder; do
    sql -e "create database if not exists $name character set utf8mb4; create user if not exists '$name'@'%' identified by '$PASSWORD'; create user if not exists '$name'@'localhost' identified by '$PASSWORD'; grant all on $name.* to '$name'@'%'; grant all on $name.* to '$name'@'localhost'"
  done
  { $keystone_manage db_sync
    $keystone_manage fernet_setup --keystone-user root --keystone-group root
    $keystone_manage credential_setup --keystone-user root --keystone-group root
    $keystone_manage bootstrap --bootstrap-password $PASSWORD --bootstrap-region-id RegionOne --bootstrap-public-url http://$HOST:$IDENTITY_PORT/v3/ --bootstrap-internal-url http://$HOST:$IDENTITY_PORT/v3/
    glance-manage --config-file "$ETC/glance/glance-api.conf" db_sync
    cinder-manage --config-file "$ETC/cinder/cinder.conf" db sync
  } >>"$LOG/install.log" 2>&1 || { tail -n 20 "$LOG/install.log" >&2; die "the databases could not be made"; }
  up_identity
  export $(environment | grep -v SERVICE)
  { openstack project create --or-show service
    openstack role create --or-show service
    for name in glance cinder; do
      openstack user create --or-show --password $PASSWORD $name
      openstack role add --project service --user $name admin
      openstack role add --project service --user $name service
    done
    openstack service create --name glance image
    openstack service create --name cinderv3 volumev3
    for name in public internal; do
      openstack endpoint create image $name http://$HOST:$IMAGE_PORT --region RegionOne
      openstack endpoint create volumev3 $name "http://$HOST:$VOLUME_PORT/v3/%(project_id)s" --region RegionOne
    done
  } >>"$LOG/install.log" 2>&1 || { tail -n 20 "$LOG/install.log" >&2; die "users and catalogue could not be made"; }
  up_services
  { openstack volume type create rbd
    openstack volume type set --property volume_backend_name=rbd rbd
  } >>"$LOG/install.log" 2>&1 || { tail -n 20 "$LOG/install.log" >&2; die "the volume type could not be made"; }
  touch "$STATE/installed"
  say installed
}

case ${1:-} in
  install) install ;;
  up) [ -e "$STATE/installed" ] || die "not installed"; configure; up_databases; up_identity; up_services; say up ;;
  down) down; say down ;;
  env) environment ;;
  wipe) down; rm -rf "$STATE" ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
