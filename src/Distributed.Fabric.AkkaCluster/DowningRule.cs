namespace Distributed.Fabric.AkkaCluster;

/// <summary>What a member does about members that do not answer.</summary>
internal enum Downing
{
    /// <summary>Nothing: all answer, or another member of this side acts.</summary>
    Nothing,

    /// <summary>Takes every member that does not answer out of the cluster.</summary>
    Unreachable,

    /// <summary>Takes itself out: its side has no learner.</summary>
    Self,
}

/// <summary>
/// Which side of a partition goes on. A side that has a process which can be the learner does, however many workers it has; a side without one ends and its workers join
/// again where the learner is. Numbers decide nothing, because workers come and go and are worth nothing without a learner, and a learner that loses all of
/// them at once still has the run. The rule may leave two sides with a learner each, if a standby is cut off from the learner at work: which of them is the learner is then
/// decided by the lock of the run folder, which one process has and the other waits for in vain (RunFolder). Pure.
/// </summary>
internal static class DowningRule
{
    /// <summary>Decides for one member by what it sees, once the picture has stood still.</summary>
    /// <param name="unreachable">Members that do not answer.</param>
    /// <param name="learnersHere">Members of this side, up, that can be the learner.</param>
    /// <param name="isOldestLearnerHere">This member is the oldest of those, and so the one that acts.</param>
    public static Downing Decide(int unreachable, int learnersHere, bool isOldestLearnerHere) =>
        unreachable == 0 ? Downing.Nothing
        : learnersHere == 0 ? Downing.Self
        : isOldestLearnerHere ? Downing.Unreachable
        : Downing.Nothing;
}
