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

        private readonly ReadOnlySpan<int> postings;
        private readonly ReadOnlySpan<ushort> impacts;
        private readonly Span<PassageHit> hits;
        private readonly Span<Cursor> cursors;
        private int count;
        private int threshold;
        private int walked;

        public Ranking(PassageIndex index, ReadOnlySpan<int> terms, Span<PassageHit> hits, Span<Cursor> cursors)
        {
            postings = index.postings;
            impacts = index.impacts;
            this.hits = hits;
            this.cursors = cursors;
            for (var i = 0; i < terms.Length; i++)
            {
                var term = terms[i];
                var cursor = new Cursor { At = index.starts[term], End = index.starts[term + 1], Strongest = index.strongest[term] };
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
            while (walked < cursors.Length && cursors[walked].StrongestSum <= threshold)
                walked++;
        }
    }
}
