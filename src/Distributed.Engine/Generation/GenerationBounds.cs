namespace Distributed.Engine.Generation;

/// <summary>What bounds generation.</summary>
/// <param name="MaxSequences">Most open sequences.</param>
/// <param name="CachePages">Most pages of keys and values; at least one full context.</param>
/// <param name="BatchTurns">Most turns worked on at a time. More amortise the weights' traffic better, fewer keep the caches close.</param>
/// <param name="BatchRows">Most tokens run through the model at once, fed and sampled together.</param>
internal sealed record GenerationBounds(int MaxSequences, int CachePages, int BatchTurns = 64, int BatchRows = 192);
