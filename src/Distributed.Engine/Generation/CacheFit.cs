namespace Distributed.Engine.Generation;

/// <summary>
/// How many turns should go on together. Every token reads all weights and the keys and values of its whole sequence; while those of all turns under way
/// stay in the processor's last cache, a token costs what it computes, and beyond it what memory delivers: all are done sooner if some wait.
/// </summary>
/// <param name="Bytes">What the last cache has room for; 0 for no bound.</param>
/// <param name="WeightBytes">Weights read with every token.</param>
/// <param name="PositionBytes">Keys and values of a position.</param>
/// <param name="LeastTurns">Turns that keep the threads busy. Where the cache holds fewer, it is not worth having them wait for it.</param>
internal sealed record CacheFit(long Bytes, long WeightBytes, long PositionBytes, int LeastTurns)
{
    /// <summary>No bound.</summary>
    public static CacheFit Any { get; } = new(0, 0, 0, 1);

    /// <summary>Turns that keep a number of threads busy.</summary>
    public static int LeastTurnsOf(int threads) => RowBlocks.LeastRows * threads;

    /// <summary>Whether the weights stay in the cache while turns go on.</summary>
    public bool HoldsWeights => WeightBytes <= Bytes / 2;

    /// <summary>Whether a number of turns, which come to a number of positions halfway through, should go on together.</summary>
    public bool Admits(int turns, long positions)
    {
        var left = Bytes - WeightBytes;
        var needed = positions * PositionBytes;
        if (Bytes == 0 || needed <= left)
            return true;

        // Of turns such as these, so many would fit.
        return left * turns < LeastTurns * needed;
    }
}
