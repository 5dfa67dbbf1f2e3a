namespace Distributed.Engine.Generation;

/// <summary>What bounds generation.</summary>
/// <param name="MaxSequences">Most open sequences.</param>
/// <param name="CachePages">Most pages of keys and values; a request that needs more is refused.</param>
/// <param name="BatchTurns">Most turns worked on at a time. More amortise the weights' traffic better, fewer keep the caches close.</param>
/// <param name="BatchRows">Most tokens run through the model at once, fed and sampled together.</param>
/// <param name="RecomputeCacheAfterSwap">Whether turns under way read everything anew when weights are swapped between their tokens.</param>
internal sealed record GenerationBounds(int MaxSequences, int CachePages, int BatchTurns = 64, int BatchRows = 192, bool RecomputeCacheAfterSwap = true);
