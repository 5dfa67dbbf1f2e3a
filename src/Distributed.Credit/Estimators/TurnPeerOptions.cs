namespace Distributed.Credit;

/// <summary>With whom <c>turn-peer</c> compares a turn. Both are unbiased.</summary>
public enum TurnPeers
{
    /// <summary><c>reached_turn</c>: the other rollouts of the prompt that reached that turn; one that answers there counts with process
    /// return 0.</summary>
    ReachedTurn,

    /// <summary><c>all_rollouts</c>: all other rollouts of the prompt; a turn that a rollout has not got counts as 0. A little less
    /// variance.</summary>
    AllRollouts,
}

/// <summary>How <c>turn-peer</c> scales its advantages.</summary>
public enum AdvantageScale
{
    /// <summary><c>none</c>: not at all; the learning rate carries the scale.</summary>
    None,

    /// <summary><c>batch</c>: by the root mean square of the batch's advantages, one number for all. Parallel to the true gradient as far
    /// as that number does not depend on the rollout.</summary>
    Batch,

    /// <summary><c>peers</c>: by the deviation of the peers' returns. Each depth keeps its direction, but depths get different scales, and
    /// the variance grows.</summary>
    Peers,
}

/// <summary>Options of <c>turn-peer</c>.</summary>
/// <param name="Alpha">Weight of the process part.</param>
/// <param name="Gamma">Discount of later gains, in [0, 1].</param>
/// <param name="Peers">With whom a turn is compared.</param>
/// <param name="Scale">How advantages are scaled.</param>
/// <param name="ScaleFloor">Least number divided by.</param>
public sealed record TurnPeerOptions(
    double Alpha = 1,
    double Gamma = 1,
    TurnPeers Peers = TurnPeers.ReachedTurn,
    AdvantageScale Scale = AdvantageScale.None,
    double ScaleFloor = 0.05);
