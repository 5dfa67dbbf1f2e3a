using Distributed.Ports;

namespace Distributed.Environments.Answers;

/// <summary>How an answer is rewarded.</summary>
public enum AnswerReward
{
    /// <summary>1 for an exact match, else 0.</summary>
    ExactMatch,

    /// <summary>The token F1, 0 to 1; only a full score counts as correct.</summary>
    TokenF1,
}

/// <summary>Judges answers.</summary>
public static class AnswerJudge
{
    /// <summary>The end of an episode that an answer brings.</summary>
    public static StepResult.Finished Judge(this AnswerReward reward, string answer, IReadOnlyList<string> golden)
    {
        var score = reward == AnswerReward.ExactMatch ? AnswerScore.ExactMatch(answer, golden) : AnswerScore.TokenF1(answer, golden);
        return new StepResult.Finished(score >= 1 ? Outcome.Correct : Outcome.Wrong, score);
    }
}
