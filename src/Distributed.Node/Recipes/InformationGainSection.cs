namespace Distributed.Node.Recipes;

/// <summary>How a turn's information gain is measured: by how much the turn raised the probability of the right answer.</summary>
public sealed record InformationGainSection : IOptionSection
{
    /// <summary>Difference of probabilities (the papers) or of log-probabilities (their released code).</summary>
    [OneOf("prob_diff", "log_prob_diff"), DefaultIs("`prob_diff`; `log_prob_diff` for `variant: released`; none if gains are not measured")]
    public string? Scale { get; init; }

    /// <summary>Of several accepted answers score the first, or all and take the likeliest.</summary>
    [OneOf("first", "max")]
    public string Aliases { get; init; } = "first";

    /// <summary>Measure and log gains also where the method does not use them; costs a scoring pass per rollout.</summary>
    public bool Log { get; init; }
}
