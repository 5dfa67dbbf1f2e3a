using System.Globalization;

using Distributed.Environments.Answers;
using Distributed.Ports;

namespace Distributed.Environments.Arithmetic;

/// <summary>Judges answers that are numbers: right if they are the same number, however it is written; 1 or 0.</summary>
public static class NumberAnswer
{
    private const int LongestNumber = 64;

    /// <summary>The end of an episode that an answer brings. A golden answer that is no number is compared as a search's is.</summary>
    public static StepResult.Finished Judge(string answer, IReadOnlyList<string> golden)
    {
        var right = golden.Any(accepted => Number(accepted) is { } number ? Number(answer) == number : AnswerScore.ExactMatch(answer, [accepted]) == 1);
        return right ? new StepResult.Finished(Outcome.Correct, 1) : new StepResult.Finished(Outcome.Wrong, 0);
    }

    // 1 2 0, 1,200 and 12.0 are numbers; a number longer than a decimal's 28 digits is not read as one.
    private static decimal? Number(string text)
    {
        if (text.Length > LongestNumber)
            return null;
        var joined = DigitNotation.Join(text.Trim()).Replace("- ", "-", StringComparison.Ordinal);
        const NumberStyles styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowThousands;
        return decimal.TryParse(joined, styles, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
