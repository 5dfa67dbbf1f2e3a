using Distributed.Engine.Adapters;

namespace Distributed.Engine.Hosting;

/// <summary>How an engine keeps a model's matrices.</summary>
public enum WeightStorage
{
    /// <summary>Float32; they can be trained.</summary>
    Float32,

    /// <summary>
    /// The upper halves of floats, for models that are not trained themselves: half the memory and half the waiting for it. BF16 files are kept to the
    /// bit, others are rounded. Everything is computed in float32 all the same.
    /// </summary>
    BFloat16,
}

/// <summary>What an engine may use.</summary>
public sealed record EngineOptions
{
    /// <summary>Threads that compute at once; at least 1. Training gives the same weights to the bit only for the same number.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Longest sequence in tokens; 0 takes the model's own.</summary>
    public int ContextLength { get; init; }

    /// <summary>How matrices are kept.</summary>
    public WeightStorage Storage { get; init; }

    /// <summary>
    /// A low-rank adapter on the model, or null. With it the model is frozen: training changes the adapter alone, and weights that are read, loaded or listed
    /// are the adapter's.
    /// </summary>
    public LowRankAdapter? Adapter { get; init; }

    /// <summary>Most sequences open at a time; one more fails.</summary>
    public int MaxSequences { get; init; } = 1024;

    /// <summary>Most requests not yet answered, of all kinds; one more is answered at once with an error.</summary>
    public int MaxRequests { get; init; } = 4096;

    /// <summary>
    /// Most memory for cached keys and values, bytes; 0 takes what one full context needs. When it is short, sequences that wait give theirs up and
    /// are worked out anew when they go on; a request that alone needs more is refused with a <see cref="Ports.CacheTooSmallError"/>.
    /// </summary>
    public long CacheBytes { get; init; } = 512L << 20;

    /// <summary>
    /// What becomes of the keys and values of a partial rollout when weights are swapped between its tokens. True: they are worked out anew, and every
    /// token's log-probability is exactly that of the version it is recorded with. False: they stay, which costs nothing, but tokens are then sampled from a
    /// mixture of versions and log-probabilities are that mixture's.
    /// </summary>
    public bool RecomputeCacheAfterSwap { get; init; } = true;

    /// <summary>Most turns worked on at a time; others wait until one ends.</summary>
    internal int BatchTurns { get; init; } = 128;

    /// <summary>Most tokens run through the model at once.</summary>
    internal int BatchRows { get; init; } = 256;

    /// <summary>
    /// What the weights and the cached positions of the turns under way may come to, bytes, before further turns wait: what is read with every token should
    /// stay in the processor's last cache, of which activations, other threads and other processes want a part too. Given up where that holds too few turns, see
    /// <see cref="Generation.CacheFit"/>.
    /// </summary>
    internal long BatchBytes { get; init; } = Kernels.LastLevelCache.Bytes / 4;

    /// <summary>What is wrong with the options, or null.</summary>
    internal string? Complaint() =>
        Threads is < 1 or > 1024 ? $"Threads is {Threads}; it must lie between 1 and 1024"
        : ContextLength < 0 ? $"ContextLength is {ContextLength}; it must not be negative"
        : MaxSequences < 1 ? $"MaxSequences is {MaxSequences}; it must be at least 1"
        : MaxRequests < 1 ? $"MaxRequests is {MaxRequests}; it must be at least 1"
        : CacheBytes < 0 ? $"CacheBytes is {CacheBytes}; it must not be negative"
        : BatchTurns < 1 || BatchRows < BatchTurns ? "BatchTurns must be at least 1 and BatchRows at least that"
        : null;
}
