using Distributed.Engine.Hosting;

namespace Distributed.Engine.Generation;

/// <summary>What bounds generation.</summary>
/// <param name="MaxSequences">Most open sequences.</param>
/// <param name="CachePages">Most pages of keys and values; a request that needs more is refused.</param>
/// <param name="BatchTurns">Most turns worked on at a time. More amortise the weights' traffic better, fewer keep the caches close.</param>
/// <param name="BatchRows">Most tokens run through the model at once, fed and sampled together.</param>
/// <param name="RecomputeCacheAfterSwap">Whether turns under way read everything anew when weights are swapped between their tokens.</param>
internal sealed record GenerationBounds(int MaxSequences, int CachePages, int BatchTurns = 128, int BatchRows = 256, bool RecomputeCacheAfterSwap = true)
{
    /// <summary>What an engine's options say.</summary>
    /// <param name="options">The options.</param>
    /// <param name="contextLength">Longest sequence.</param>
    /// <param name="pageBytes">Bytes of a page.</param>
    public static GenerationBounds Of(EngineOptions options, int contextLength, long pageBytes)
    {
        var pages = options.CacheBytes == 0 ? KeyValueLayout.Pages(contextLength) : options.CacheBytes / pageBytes;
        return new GenerationBounds(
            options.MaxSequences, (int)Math.Min(pages, int.MaxValue), options.BatchTurns, options.BatchRows, options.RecomputeCacheAfterSwap);
    }
}
