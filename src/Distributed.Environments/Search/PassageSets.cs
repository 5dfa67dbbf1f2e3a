using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Distributed.Environments.Search;

/// <summary>
/// For every word that more than one passage in 64 holds, the set of those passages as bits: asking whether a passage holds the word is one
/// load, and the passages that hold several words are found 256 at a time. Costs at most twice what the word's postings do.
/// </summary>
internal sealed class PassageSets
{
    private const int Rare = 64;

    private readonly int[] places;
    private readonly ulong[] bits;

    // Words of a set, a whole number of vectors.
    private readonly int width;

    public PassageSets(int[] starts, int[] postings, int passages)
    {
        width = (passages + 255) / 256 * 4;
        places = new int[starts.Length - 1];
        var sets = 0;
        for (var term = 0; term < places.Length; term++)
        {
            var frequent = starts[term + 1] - starts[term] > passages / Rare;
            places[term] = frequent && (long)(sets + 1) * width <= Array.MaxLength ? sets++ * width : -1;
        }

        bits = new ulong[sets * width];
        for (var term = 0; term < places.Length; term++)
        {
            if (places[term] < 0)
                continue;
            foreach (var passage in postings.AsSpan(starts[term], starts[term + 1] - starts[term]))
                bits[places[term] + (passage >> 6)] |= 1UL << passage;
        }
    }

    /// <summary>Where a word's set is, or -1 if it has none.</summary>
    public int PlaceOf(int term) => places[term];

    /// <summary>Whether a set holds a passage.</summary>
    public bool Holds(int place, int passage) => (bits[place + (passage >> 6)] & (1UL << passage)) != 0;

    /// <summary>The passages that are in all of some sets, ascending; none if one of the words has no set.</summary>
    public ref struct Common
    {
        private readonly PassageSets sets;
        private readonly ReadOnlySpan<int> places;
        private ulong left;
        private int word;

        public Common(PassageSets sets, ReadOnlySpan<int> places)
        {
            this.sets = sets;
            this.places = places;
            word = places.Contains(-1) ? sets.width : -1;
        }

        /// <summary>The next passage, or -1.</summary>
        public int Next()
        {
            while (left == 0)
            {
                if (++word >= sets.width)
                    return -1;
                if ((word & 3) == 0 && !SkipEmpty())
                    return -1;
                left = sets.bits[places[0] + word];
                foreach (var place in places[1..])
                    left &= sets.bits[place + word];
            }

            var passage = (word << 6) + BitOperations.TrailingZeroCount(left);
            left &= left - 1;
            return passage;
        }

        // Goes on to the first four words, beginning with this one, that are not all empty; false if there are none.
        private bool SkipEmpty()
        {
            ref var first = ref MemoryMarshal.GetArrayDataReference(sets.bits);
            for (; word < sets.width; word += 4)
            {
                var all = Vector256.LoadUnsafe(ref first, (nuint)(places[0] + word));
                foreach (var place in places[1..])
                    all &= Vector256.LoadUnsafe(ref first, (nuint)(place + word));
                if (all != Vector256<ulong>.Zero)
                    return true;
            }

            return false;
        }
    }
}
