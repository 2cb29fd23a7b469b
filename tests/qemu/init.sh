#!/bin/busybox sh
# The guest's first process: a machine with nothing but what the test needs.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mkdir -p /dev/pts /run/dbus /run/rouse /var/lib/rouse
for module in /lib/modules/*.ko; do insmod "$module"; done
ip link set lo up
# Cards get their names in the order of their probes: these are found by their addresses.
for card in /sys/class/net/eth*; do
  case "$(cat "$card/address")" in
    DATA_MAC) ip link set "${card##*/}" name data ;;
    WAKE_MAC) ip link set "${card##*/}" name wake ;;
  esac
done
ip addr add INSIDE/24 dev data
ip link set data up
ip link set wake up
echo "guest: started"
. /scenario.sh
echo "guest: scenario.sh has ended"
while :; do wait; sleep 3600; done
