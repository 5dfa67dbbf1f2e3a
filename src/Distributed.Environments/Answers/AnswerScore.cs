using System.Text;
using System.Text.RegularExpressions;

namespace Distributed.Environments.Answers;

/// <summary>
/// Compares answers as the SQuAD evaluation does (Rajpurkar et al., EMNLP 2016; evaluate-v1.1.py): lower case, without ASCII
/// punctuation, without the words a, an, the, white space collapsed.
/// </summary>
public static partial class AnswerScore
{
    /// <summary>The form answers are compared in.</summary>
    public static string Normalize(string answer)
    {
        var text = new StringBuilder(answer.Length);
        foreach (var c in answer.ToLowerInvariant())
        {
            if (!IsAsciiPunctuation(c))
                text.Append(c);
        }

        return string.Join(' ', Articles().Replace(text.ToString(), " ").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>1 if the answer equals a golden one after normalising, else 0; 0 if there is none.</summary>
    public static double ExactMatch(string answer, IEnumerable<string> golden)
    {
        var normal = Normalize(answer);
        return golden.Any(accepted => Normalize(accepted) == normal) ? 1 : 0;
    }

    /// <summary>
    /// The best harmonic mean of word precision and recall over the golden answers, 0 to 1; words count as often as they occur. Where either side
    /// has no words left, 1 if both have none, else 0 (the rule of SQuAD 2.0).
    /// </summary>
    public static double TokenF1(string answer, IEnumerable<string> golden)
    {
        var words = Words(answer);
        return golden.Select(accepted => F1(words, Words(accepted))).DefaultIfEmpty(0).Max();
    }

    private static double F1(string[] answer, string[] golden)
    {
        if (answer.Length == 0 || golden.Length == 0)
            return answer.Length == golden.Length ? 1 : 0;
        var left = golden.CountBy(word => word).ToDictionary();
        var common = 0;
        foreach (var word in answer)
        {
            if (left.TryGetValue(word, out var count) && count > 0)
            {
                left[word] = count - 1;
                common++;
            }
        }

        return 2.0 * common / (answer.Length + golden.Length);
    }

    private static string[] Words(string answer) => Normalize(answer).Split(' ', StringSplitOptions.RemoveEmptyEntries);

    // Python's string.punctuation: every printable ASCII character that is neither letter, digit nor space.
    private static bool IsAsciiPunctuation(char c) => c is > ' ' and < '\x7f' && !char.IsAsciiLetterOrDigit(c);

    [GeneratedRegex(@"\b(a|an|the)\b", RegexOptions.CultureInvariant)]
    private static partial Regex Articles();
}
