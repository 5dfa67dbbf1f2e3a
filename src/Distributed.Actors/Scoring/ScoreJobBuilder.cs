using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Scoring;

/// <summary>
/// Builds what a scorer needs from a trajectory: its tokens up to the last tool reply, the turn boundaries, and the golden answers
/// wrapped the way the policy would write them. Only the answer's own tokens count; they are found by character offsets, because
/// tokenising the parts separately may put a merge across the boundary (IGPO 2510.14967 and the released A2TGPO code).
/// </summary>
public sealed class ScoreJobBuilder(ITokenizer tokenizer, string answerPrefix, string answerSuffix, bool allAliases)
{
    /// <summary>The job of a trajectory with at least one tool turn. Answers without a token of their own are left out.</summary>
    public ScoreJob Build(Trajectory trajectory)
    {
        var tokens = new List<int>(trajectory.TokenCount);
        tokens.AddRange(trajectory.PromptTokens);
        var boundaries = new int[trajectory.Turns.Length];
        boundaries[0] = tokens.Count;
        for (var turn = 0; turn < trajectory.Turns.Length - 1; turn++)
        {
            tokens.AddRange(trajectory.Turns[turn].Tokens);
            tokens.AddRange(trajectory.Turns[turn].ObservationTokens);
            boundaries[turn + 1] = tokens.Count;
        }

        var golden = allAliases ? trajectory.GoldenAnswers : trajectory.GoldenAnswers.Take(1);
        var answers = golden.Select(Wrap).OfType<WrappedAnswer>().ToArray();
        return new ScoreJob(trajectory.Slot, [.. tokens], boundaries, answers);
    }

    private WrappedAnswer? Wrap(string answer)
    {
        var start = answerPrefix.Length;
        var end = start + answer.Length;
        var spans = tokenizer.EncodeWithOffsets(answerPrefix + answer + answerSuffix);
        var first = Array.FindIndex(spans, span => span.End > start && span.Start < end);
        var last = Array.FindLastIndex(spans, span => span.End > start && span.Start < end);
        return first < 0 ? null : new WrappedAnswer([.. spans.Select(span => span.Id)], first, last - first + 1);
    }
}
