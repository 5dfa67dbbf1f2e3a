namespace Distributed.Engine.Hosting;

/// <summary>What bounds an engine's memory and queues.</summary>
public sealed record EngineBounds
{
    /// <summary>Threads it computes with.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Longest sequence in tokens; 0 takes the model's own bound.</summary>
    public int ContextLength { get; init; }

    /// <summary>Most open sequences.</summary>
    public int MaxSequences { get; init; } = 4096;

    /// <summary>Most requests without an answer; more are refused at once.</summary>
    public int MaxRequests { get; init; } = 65_536;

    /// <summary>Most memory for cached keys and values, bytes; at least one full context is kept whatever this says.</summary>
    public long CacheBytes { get; init; } = 1L << 30;
}
