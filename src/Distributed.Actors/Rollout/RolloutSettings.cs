using Distributed.Actors.Ports;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Rollout;

/// <summary>What a rollout node needs.</summary>
public sealed record RolloutSettings
{
    /// <summary>The way to other nodes.</summary>
    public required IFabric Fabric { get; init; }

    /// <summary>The learner's node.</summary>
    public required NodeId Learner { get; init; }

    /// <summary>Samples the turns.</summary>
    public required IPolicyEngine Engine { get; init; }

    /// <summary>Text to tokens and back.</summary>
    public required ITokenizer Tokenizer { get; init; }

    /// <summary>The world.</summary>
    public required IEnvironment Environment { get; init; }

    /// <summary>Runs the world's steps on threads of its own.</summary>
    public required IEpisodeHost Episodes { get; init; }

    /// <summary>How training rollouts are sampled; evaluations are greedy.</summary>
    public required SamplingOptions Sampling { get; init; }

    /// <summary>Lets new weights take effect between the tokens of a training turn, not only between turns; its record tells which sampled which.</summary>
    public bool PartialRollout { get; init; }

    /// <summary>Episodes at once.</summary>
    public required int Capacity { get; init; }

    /// <summary>Number of this worker's next life.</summary>
    public required IncarnationSource Incarnations { get; init; }

    /// <summary>Sees messages first.</summary>
    public IMessageTap Tap { get; init; } = IMessageTap.None;

    /// <summary>How often the worker offers itself and repeats results that are not settled.</summary>
    public TimeSpan Announce { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>Numbers the lives of a worker within a node's process. Given to its actor from outside, so that it survives the actor.</summary>
public sealed class IncarnationSource(long first)
{
    private long _last = first - 1;

    /// <summary>The number of a new life.</summary>
    public Incarnation Next() => new(Interlocked.Increment(ref _last));
}
