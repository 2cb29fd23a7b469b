"""Makes initramfs images (cpio, "newc") without root, device nodes included."""
import os
import pathlib
import re
import stat
import subprocess
import tarfile


def shared_objects(program):
    """What the dynamic linker would load for PROGRAM, itself included."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False, timeout=60).stdout
    return sorted(set(re.findall(r"(/\S+) \(0x", said)))


class Initramfs:
    """An image that grows; write() closes it. The kernel wants no compression and no order but that
    folders come before what is in them."""

    def __init__(self, path):
        self._file = open(path, "wb")
        self._seen = {""}
        self._inode = 0

    def _entry(self, name, mode, data=b"", device=(0, 0), owner=(0, 0)):
        self._inode += 1
        encoded = name.encode() + b"\0"
        fields = (self._inode, mode, *owner, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        for part in (head, data):
            self._file.write(part + b"\0" * (-len(part) % 4))

    def folder(self, name, mode=0o755, owner=(0, 0)):
        name = name.strip("/")
        if name in self._seen:
            return
        self.folder(os.path.dirname(name))
        self._seen.add(name)
        self._entry(name, stat.S_IFDIR | mode, owner=owner)

    def _fresh(self, name):
        name = name.strip("/")
        self.folder(os.path.dirname(name))
        is_fresh = name not in self._seen
        self._seen.add(name)
        return is_fresh

    def file(self, name, data, mode=0o644, owner=(0, 0)):
        if self._fresh(name):
            self._entry(name.strip("/"), stat.S_IFREG | mode, data if isinstance(data, bytes) else data.encode(),
                        owner=owner)

    def link(self, name, target, owner=(0, 0)):
        if self._fresh(name):
            self._entry(name.strip("/"), stat.S_IFLNK | 0o777, target.encode(), owner=owner)

    def device(self, name, kind, major, minor, mode=0o600, owner=(0, 0)):
        if self._fresh(name):
            self._entry(name.strip("/"), kind | mode, device=(major, minor), owner=owner)

    def program(self, source, name):
        """SOURCE as NAME without its debugging symbols, and the shared objects that it needs."""
        self.file(name, stripped(source), 0o755)
        for each in ("lib", "lib64"):
            self.link(each, f"usr/{each}")
        for each in shared_objects(source):
            place = f"/usr{each}" if each.startswith("/lib") else each
            self.file(place, pathlib.Path(each).read_bytes(), 0o755)

    def write(self):
        self._entry("TRAILER!!!", 0)
        self._file.close()


def stripped(program):
    """Debug builds are ten times as large with their symbols, and all of it is memory of the guest."""
    done = subprocess.run(["strip", "-o", "/dev/stdout", program], capture_output=True, check=False, timeout=60)
    return done.stdout if done.returncode == 0 and done.stdout else pathlib.Path(program).read_bytes()


def add_tar(image, path, without=()):
    """All of the tar file PATH but what lies below one of WITHOUT."""
    kinds = {tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK}
    with tarfile.open(path) as tar:
        for member in tar:
            name = os.path.normpath(member.name)
            owner = (member.uid, member.gid)
            if name == "." or any(name == each or name.startswith(each + "/") for each in without):
                continue
            if member.isdir():
                image.folder(name, member.mode, owner)
            elif member.issym():
                image.link(name, member.linkname, owner)
            elif member.isfile() or member.islnk():  # a hard link becomes a copy
                image.file(name, tar.extractfile(member).read(), member.mode, owner)
            elif member.type in kinds:
                image.device(name, kinds[member.type], member.devmajor, member.devminor, member.mode, owner)
