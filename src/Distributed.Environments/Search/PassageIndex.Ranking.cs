namespace Distributed.Environments.Search;

public sealed partial class PassageIndex
{
    /// <summary>
    /// MaxScore (Turtle and Flood, 1995): words are ordered by the most they can contribute. Once the weakest words together cannot lift
    /// a passage over the worst hit kept, their lists are no longer walked, only looked into for passages the stronger words brought up.
    /// </summary>
    private ref struct Ranking
    {
        private const int CancelMask = 4095;
        private const int MostLookedAt = 512;

        private readonly PassageSets sets;
        private readonly ReadOnlySpan<int> postings;
        private readonly ReadOnlySpan<ushort> impacts;
        private readonly Span<PassageHit> hits;
        private readonly Span<Cursor> cursors;
        private int count;
        private int threshold;
        private int walked;

        public Ranking(PassageIndex index, ReadOnlySpan<int> terms, Span<PassageHit> hits, Span<Cursor> cursors)
        {
            sets = index.sets;
            postings = index.postings;
            impacts = index.impacts;
            this.hits = hits;
            this.cursors = cursors;
            for (var i = 0; i < terms.Length; i++)
            {
                var term = terms[i];
                var start = index.starts[term];
                var cursor = new Cursor
                {
                    Start = start, At = start, End = index.starts[term + 1], Strongest = index.strongest[term], Set = sets.PlaceOf(term),
                };
                var place = i;
                for (; place > 0 && cursors[place - 1].Strongest > cursor.Strongest; place--)
                    cursors[place] = cursors[place - 1];
                cursors[place] = cursor;
            }

            var sum = 0;
            foreach (ref var cursor in cursors)
                cursor.StrongestSum = sum += cursor.Strongest;
        }

        public int Run(CancellationToken cancel)
        {
            FindThreshold(cancel);
            PassOverWeakest();
            for (var steps = 0; walked < cursors.Length; steps++)
            {
                if ((steps & CancelMask) == 0)
                    cancel.ThrowIfCancellationRequested();
                var passage = walked == cursors.Length - 1 ? NextOfOne(out var score) : NextOfMany(out score);
                if (passage < 0)
                    break;
                for (var i = walked - 1; i >= 0 && score + cursors[i].StrongestSum > threshold; i--)
                    score += LookInto(ref cursors[i], passage);
                if (score > threshold)
                    Keep(passage, score);
            }

            return count;
        }

        // With one list left to walk, postings too weak to matter are passed over without looking further.
        private int NextOfOne(out int score)
        {
            ref var cursor = ref cursors[walked];
            var help = walked == 0 ? 0 : cursors[walked - 1].StrongestSum;
            var at = cursor.At;
            while (at < cursor.End && impacts[at] + help <= threshold)
                at++;
            if (at == cursor.End)
            {
                score = 0;
                return -1;
            }

            score = impacts[at];
            cursor.At = at + 1;
            return postings[at];
        }

        private int NextOfMany(out int score)
        {
            var passage = int.MaxValue;
            for (var i = walked; i < cursors.Length; i++)
            {
                if (cursors[i].At < cursors[i].End)
                    passage = Math.Min(passage, postings[cursors[i].At]);
            }

            score = 0;
            if (passage == int.MaxValue)
                return -1;
            for (var i = walked; i < cursors.Length; i++)
            {
                ref var cursor = ref cursors[i];
                if (cursor.At < cursor.End && postings[cursor.At] == passage)
                    score += impacts[cursor.At++];
            }

            return passage;
        }

        // Gallops forward: passages come in ascending order, so the cursor never goes back.
        private readonly int LookInto(ref Cursor cursor, int passage)
        {
            if (cursor.Set >= 0 && !sets.Holds(cursor.Set, passage))
                return 0;
            var low = cursor.At;
            var step = 1;
            while (low + step < cursor.End && postings[low + step] < passage)
            {
                low += step;
                step <<= 1;
            }

            var high = Math.Min(low + step, cursor.End - 1);
            while (low < high)
            {
                var middle = (low + high) >>> 1;
                if (postings[middle] < passage)
                    low = middle + 1;
                else
                    high = middle;
            }

            cursor.At = low;
            return low < cursor.End && postings[low] == passage ? impacts[low] : 0;
        }

        private void Keep(int passage, int score)
        {
            var place = count < hits.Length ? count++ : count - 1;
            for (; place > 0 && hits[place - 1].Score < score; place--)
                hits[place] = hits[place - 1];
            hits[place] = new PassageHit(passage, score, 0, 0);
            if (count < hits.Length)
                return;
            threshold = hits[count - 1].Score;
            PassOverWeakest();
        }

        private void PassOverWeakest()
        {
            while (walked < cursors.Length && cursors[walked].StrongestSum <= threshold)
                walked++;
        }

        // Passages that hold all of the strongest words are few and cheap to find; if they alone fill the hits, whatever is to be kept
        // must be at least as good as the worst of them.
        private void FindThreshold(CancellationToken cancel)
        {
            Span<int> best = stackalloc int[hits.Length];
            Span<int> together = stackalloc int[cursors.Length];
            for (var weakest = 0; weakest + 1 < cursors.Length; weakest++)
            {
                cancel.ThrowIfCancellationRequested();
                for (var i = weakest; i < cursors.Length; i++)
                    together[i] = cursors[i].Set;
                var found = 0;
                var common = new PassageSets.Common(sets, together[weakest..]);
                for (var looked = 0; looked < MostLookedAt && common.Next() is >= 0 and var passage; looked++)
                    Insert(best, ref found, ScoreOf(passage));
                if (found == best.Length)
                {
                    threshold = best[^1] - 1;
                    return;
                }
            }
        }

        private static void Insert(Span<int> best, ref int found, int score)
        {
            if (found == best.Length && score <= best[^1])
                return;
            var place = found < best.Length ? found++ : found - 1;
            for (; place > 0 && best[place - 1] < score; place--)
                best[place] = best[place - 1];
            best[place] = score;
        }

        private readonly int ScoreOf(int passage)
        {
            var score = 0;
            foreach (ref readonly var cursor in cursors)
            {
                var place = postings[cursor.Start..cursor.End].BinarySearch(passage);
                if (place >= 0)
                    score += impacts[cursor.Start + place];
            }

            return score;
        }
    }
}
