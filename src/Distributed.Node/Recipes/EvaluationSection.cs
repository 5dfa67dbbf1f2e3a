namespace Distributed.Node.Recipes;

/// <summary>Greedy success on held-out questions.</summary>
public sealed record EvaluationSection : IOptionSection
{
    /// <summary>Steps between evaluations; 0 measures only before the first and after the last step.</summary>
    [Range(0, 1_000_000)]
    public int EverySteps { get; init; } = 25;

    /// <summary>Held-out questions asked.</summary>
    [Range(1, 1_000_000)]
    public int Questions { get; init; } = 500;

    /// <summary>Held-out questions asked after the last step; the first of them are those asked while training.</summary>
    [Range(1, 1_000_000), DefaultIs("as `questions`")]
    public int? FinalQuestions { get; init; }

    /// <summary>Measure a policy with random weights too, as a line to compare with.</summary>
    public bool Untrained { get; init; } = true;
}
