using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>Something the coordinator's rules want done; the actor does it.</summary>
public abstract record Effect
{
    private Effect() { }

    /// <summary>Tell a node something.</summary>
    public sealed record Send(NodeId To, IWireMessage Message) : Effect;

    /// <summary>Send a score lease; the job is built from the trajectory.</summary>
    public sealed record GrantScore(NodeId To, LeaseId Lease, Trajectory Trajectory, int Attempt) : Effect;

    /// <summary>Hand a batch to the learner.</summary>
    public sealed record Train(TrainBatch Batch) : Effect;

    /// <summary>Report how a step's slots ended.</summary>
    public sealed record Settled(PolicyVersion Version, IReadOnlyList<SettledGroup> Groups) : Effect;

    /// <summary>Report an evaluation.</summary>
    public sealed record Evaluated(PolicyVersion Version, IReadOnlyList<Trajectory> Trajectories, int GivenUp) : Effect;

    /// <summary>Tell the people watching.</summary>
    public sealed record Notice(string Line) : Effect;

    /// <summary>The last step and the last evaluation are done.</summary>
    public sealed record Finished : Effect;

    /// <summary>The run cannot go on.</summary>
    public sealed record Failed(string Reason) : Effect;
}

/// <summary>A batch for the learner.</summary>
/// <param name="Version">The version to be trained.</param>
/// <param name="Groups">Groups in training order, each with its remaining slots; may be empty if everything was dropped.</param>
public sealed record TrainBatch(PolicyVersion Version, IReadOnlyList<TrainGroup> Groups);

/// <summary>A group to train on: two or more scored rollouts of one prompt, or none if all were dropped.</summary>
public sealed record TrainGroup(long Group, IReadOnlyList<ScoredTrajectory> Rollouts);

/// <summary>A rollout with its scores; null if there was nothing to score.</summary>
public sealed record ScoredTrajectory(Trajectory Trajectory, TurnScores? Scores);

/// <summary>The learner has finished a batch.</summary>
/// <param name="Version">The version it made.</param>
/// <param name="Unused">Slots of the batch that were not trained on, with the reason.</param>
public sealed record StepCompleted(PolicyVersion Version, IReadOnlyDictionary<Slot, string> Unused);
