"""What a disk may hold after a power cut: all that was flushed, and of what was not yet, any part in any order, torn between sectors."""

from block_log import Flush

# Of these a sample is torn, lost and kept by the dice; what else is there in a volatile cache may be a thousand writes.
TORN_AT_MOST = 4


def states(before, log, samples, dice):
    """For each place in the log `samples` disks a cut may leave there: (place, disk), the same array changed again and again. The
    first of each place has all that was asked for, the second only what was flushed."""
    disk, pending = before[:], []
    for place, one in enumerate(log):
        if isinstance(one, Flush):
            for write in pending:
                apply(disk, write, whole(write), dice)
            pending = []
        else:
            pending.append(one)
        for number in range(samples):
            kept = chosen(pending, number, dice)
            saved = [(write.start, disk[write.start:write.start + write.count]) for write, _ in kept]
            for write, pieces in kept:
                apply(disk, write, pieces, dice)
            yield place, disk
            for start, content in reversed(saved):
                disk[start:start + len(content)] = content
            # Nothing else can come of this place.
            if not pending:
                break


def whole(write):
    return [(0, write.count)]


def chosen(pending, number, dice):
    """Which of the writes reached the medium, and which of their sectors, in the order in which they did."""
    if number == 0:
        return [(write, whole(write)) for write in pending]
    if number == 1:
        return []
    share = dice.random()
    kept = [(write, whole(write)) for write in pending if dice.random() < share]
    for _ in range(min(len(kept), dice.randrange(TORN_AT_MOST))):
        which = dice.randrange(len(kept))
        kept[which] = (kept[which][0], torn(kept[which][0].count, dice))
    # The last one of a place is the one under way: torn more often than not.
    if pending and dice.random() < 0.5:
        kept = [one for one in kept if one[0] is not pending[-1]] + [(pending[-1], torn(pending[-1].count, dice))]
    overlaps = sorted((write.start, write.start + write.count) for write, _ in kept)
    if all(first[1] <= second[0] for first, second in zip(overlaps, overlaps[1:])):
        dice.shuffle(kept)
    return kept


def torn(count, dice):
    """Pieces of a write: its head, its tail, its middle, or every other."""
    cut, end = sorted((dice.randrange(count + 1), dice.randrange(count + 1)))
    return dice.choice(([(0, cut)], [(cut, count)], [(cut, end)], [(0, cut), (end, count)]))


def apply(disk, write, pieces, dice):
    for first, last in pieces:
        at, count = write.start + first, last - first
        if write.content is not None:
            disk[at:at + count] = write.content[first:last]
        elif dice.random() < 0.5:
            # What was discarded reads as before or as zeros.
            disk[at:at + count] = type(disk)("I", bytes(4 * count))
