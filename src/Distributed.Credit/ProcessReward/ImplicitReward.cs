namespace Distributed.Credit;

/// <summary>
/// The implicit process reward (iStar 2509.19199): r_t = beta * sum over the turn's sampled tokens of (log pi_phi - log pi_old), pi_phi the
/// reward model, pi_old the policy that sampled.
/// </summary>
public static class ImplicitReward
{
    /// <summary>log pi_phi(tau) - log pi_old(tau) of a rollout.</summary>
    /// <param name="model">log pi_phi of every sampled token.</param>
    /// <param name="old">log pi_old of the same tokens.</param>
    public static double LogRatio(ReadOnlySpan<float> model, ReadOnlySpan<float> old)
    {
        Require(model.Length, old.Length);
        var sum = 0.0;
        for (var i = 0; i < model.Length; i++) sum += (double)model[i] - old[i];
        return sum;
    }

    /// <summary>The reward of every turn; a turn without tokens has 0.</summary>
    /// <param name="model">log pi_phi of every sampled token.</param>
    /// <param name="old">log pi_old of the same tokens.</param>
    /// <param name="turnIds">Turn (from 0) of every token.</param>
    /// <param name="turns">T, the number of turns.</param>
    /// <param name="beta">Weight of the log-ratio.</param>
    public static double[] ByTurn(ReadOnlySpan<float> model, ReadOnlySpan<float> old, ReadOnlySpan<int> turnIds, int turns, double beta)
    {
        Require(model.Length, old.Length);
        Require(model.Length, turnIds.Length);
        var rewards = new double[turns];
        for (var i = 0; i < model.Length; i++) rewards[turnIds[i]] += beta * ((double)model[i] - old[i]);
        return rewards;
    }

    private static void Require(int tokens, int given)
    {
        if (tokens != given) throw new CreditException($"{given} numbers for {tokens} sampled tokens; give one for each");
    }
}
