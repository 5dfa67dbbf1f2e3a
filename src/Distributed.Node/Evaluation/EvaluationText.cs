using System.Globalization;

namespace Distributed.Node.Evaluation;

/// <summary>Evaluations as lines of text.</summary>
internal static class EvaluationText
{
    /// <summary>A line for every category, and one for all.</summary>
    public static IEnumerable<string> Lines(EvaluationSummary summary)
    {
        var width = summary.Categories.Select(category => category.Category.Length).Append(3).Max();
        return summary.Categories.Append(summary.Total).Select(category => string.Create(CultureInfo.InvariantCulture,
            $"  {category.Category.PadRight(width)}  {category.Success:0.000}  {category.Right,5} of {category.Asked,-5}  {category.ToolTurns:0.00} tool turns"));
    }

    /// <summary>An episode, indented.</summary>
    public static IEnumerable<string> Lines(EvaluatedEpisode episode)
    {
        yield return $"  {episode.Problem.Id} ({episode.Problem.Category}): {episode.Outcome.ToString().ToLowerInvariant()}";
        yield return $"    {OneLine(episode.Problem.Prompt)}   right answer: {string.Join(" or ", episode.Problem.GoldenAnswers)}";
        foreach (var (action, observation) in episode.Turns)
        {
            yield return $"    > {OneLine(action)}";
            if (observation is not null)
            {
                yield return $"      {OneLine(observation)}";
            }
        }
    }

    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
