using Distributed.Ports;

namespace Distributed.Node.Evaluation;

/// <summary>One question as it was answered.</summary>
/// <param name="Problem">The question.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reward">Its outcome reward.</param>
/// <param name="Turns">What the agent wrote, and what it read then; nothing after the last turn.</param>
public sealed record EvaluatedEpisode(Problem Problem, Outcome Outcome, double Reward, IReadOnlyList<(string Action, string? Observation)> Turns);

/// <summary>Success on the questions of one category.</summary>
/// <param name="Category">As the environment names it.</param>
/// <param name="Right">Questions answered rightly.</param>
/// <param name="Asked">Questions asked.</param>
/// <param name="ToolTurns">Mean number of turns before the last.</param>
public sealed record CategoryResult(string Category, int Right, int Asked, double ToolTurns)
{
    /// <summary>Share of right answers.</summary>
    public double Success => Asked == 0 ? 0 : (double)Right / Asked;
}

/// <summary>Success on all questions and by category.</summary>
/// <param name="Total">Over all questions.</param>
/// <param name="Categories">In the order of their names.</param>
public sealed record EvaluationSummary(CategoryResult Total, IReadOnlyList<CategoryResult> Categories)
{
    /// <summary>Counts episodes by category.</summary>
    public static EvaluationSummary Of(IReadOnlyList<EvaluatedEpisode> episodes) => new(
        Count("all", episodes),
        [.. episodes.GroupBy(e => e.Problem.Category, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => Count(g.Key, [.. g]))]);

    private static CategoryResult Count(string category, IReadOnlyList<EvaluatedEpisode> episodes) => new(
        category,
        episodes.Count(e => e.Outcome == Outcome.Correct),
        episodes.Count,
        episodes.Count == 0 ? 0 : episodes.Average(e => e.Turns.Count - 1.0));
}
