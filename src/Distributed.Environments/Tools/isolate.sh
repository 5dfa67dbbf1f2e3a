# First process of the program's own namespaces. $1 the folder that becomes the root, $2 the interpreter's library, $3 MiB of scratch space,
# $4 seconds until everything is killed, whatever else happens; then the command, run inside that root.
set -e
root=$1 library=$2 scratch=$3 seconds=$4
shift 4
mount -o bind,ro,nosuid,nodev "$root" "$root"
mount -o bind,ro,nosuid,nodev "$library" "$root$library"
mount -t tmpfs -o "size=${scratch}m,nr_inodes=1024,mode=777,nosuid,nodev,noexec" tmpfs "$root/scratch"
cd /
unset PWD OLDPWD
exec timeout -s KILL "$seconds" chroot "$root" "$@"
