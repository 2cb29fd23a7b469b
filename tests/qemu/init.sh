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
ip addr add INSIDE/24 dev eth0
ip link set eth0 up
echo "guest: started"
. /scenario.sh
echo "guest: scenario.sh has ended"
while :; do wait; sleep 3600; done
