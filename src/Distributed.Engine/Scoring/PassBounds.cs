using Distributed.Engine.Training;

namespace Distributed.Engine.Scoring;

/// <summary>Cuts a list of items into passes of bounded size.</summary>
internal static class PassBounds
{
    /// <summary>Bounds b so that pass p covers items [b[p], b[p+1]): as many rows as one pass takes, fewer if that would leave threads without work.</summary>
    public static int[] Of(int count, Func<int, int> rowsOf, int threads)
    {
        long all = 0;
        for (var i = 0; i < count; i++)
            all += rowsOf(i);
        var most = Math.Clamp(all / (4 * threads), 64, SequenceRows.PerPass);
        var bounds = new List<int> { 0 };
        long rows = 0;
        for (var i = 0; i < count; i++)
        {
            var more = rowsOf(i);
            if (rows > 0 && rows + more > most)
            {
                bounds.Add(i);
                rows = 0;
            }

            rows += more;
        }

        if (count > 0)
            bounds.Add(count);
        return [.. bounds];
    }
}
