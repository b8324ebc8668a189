"""The lab's judge, judged: every state a killed write can leave on a disk, and those it must never leave."""

import tempfile
import unittest
from pathlib import Path

import disk
import image
import standalone
from verdict import Failed

MIB = 1 << 20


class Verdict(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        directory = Path(self.scratch.name)
        self.image = directory / "image"
        self.image.write_bytes(image._boot_sector("test", 4 * MIB // 512).ljust(MIB, b"\1") + b"\2" * 3 * MIB)
        # Without its network and machine.
        self.stand = standalone.Standalone.__new__(standalone.Standalone)
        self.stand.image = self.image
        self.stand.disk = disk.Disk(directory / "disk", 6 * MIB)

    def tearDown(self):
        self.scratch.cleanup()

    def write(self, at, data):
        with open(self.stand.disk.path, "r+b") as file:
            file.seek(at)
            file.write(data)

    def test_the_old_system_has_every_table(self):
        self.assertEqual(self.stand.disk.tables(), ["MBR", "GPT", "backup GPT"])

    def test_a_sparse_disk_that_was_written_to(self):
        path = self.stand.disk.path
        for at, data, touched in ((MIB, b"\xaa" * 512, False), (3 * MIB, bytes(512), False), (3 * MIB, b"\1", True), (6 * MIB - 512, b"\0", True)):
            with self.subTest(at=at):
                self.stand.disk = disk.Disk(path, 6 * MIB, 2 * MIB)
                self.assertTrue(self.stand.disk.untouched() and self.stand.disk.never_written())
                self.write(at, data)
                self.assertEqual(self.stand.disk.untouched(), not touched)
                self.assertFalse(self.stand.disk.never_written())

    def test_what_a_killed_write_may_leave(self):
        self.assertEqual(self.stand.verdict(), "old system untouched")
        self.write(0, bytes(MIB))
        self.assertEqual(self.stand.verdict(), "old table half gone")
        self.write(5 * MIB, bytes(MIB))
        self.assertEqual(self.stand.verdict(), "no table")
        self.write(MIB, b"\2" * 3 * MIB)
        self.assertEqual(self.stand.verdict(), "no table")
        self.write(0, self.image.read_bytes()[:MIB])
        self.assertEqual(self.stand.verdict(), "image complete")

    def test_what_it_must_not_leave(self):
        new = self.image.read_bytes()
        for wrong in (
            # one old byte gone under the old table
            [(3 * MIB, b"\0")],
            # data before the backup table went
            [(0, bytes(MIB)), (3 * MIB, b"\2")],
            # the new table before the data
            [(0, bytes(MIB)), (5 * MIB, bytes(MIB)), (0, new[:MIB])],
            # all but one byte of the data, and the table
            [(0, new), (5 * MIB, bytes(MIB)), (4 * MIB - 1, b"\xaa")],
            # the boot sector alone
            [(0, bytes(MIB)), (5 * MIB, bytes(MIB)), (0, new[:512])],
        ):
            with self.subTest(wrong=[at for at, _ in wrong]):
                self.stand.disk = disk.Disk(self.stand.disk.path, 6 * MIB)
                for at, data in wrong:
                    self.write(at, data)
                self.assertRaises(Failed, self.stand.verdict)


if __name__ == "__main__":
    unittest.main()
