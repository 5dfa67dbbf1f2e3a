using Distributed.Ports;

namespace Distributed.Engine.Scoring;

/// <summary>Refuses score requests that cannot be served.</summary>
internal static class BranchCheck
{
    /// <summary>What is wrong with a request, or null.</summary>
    /// <param name="request">The request.</param>
    /// <param name="vocabulary">V.</param>
    /// <param name="contextLength">Longest sequence.</param>
    public static string? Complaint(ScoreRequest request, int vocabulary, int contextLength)
    {
        var tokens = request.Tokens.Span;
        if (tokens.IsEmpty)
            return "The sequence to score has no tokens.";
        if (tokens.Length > contextLength)
            return $"The sequence has {tokens.Length} tokens; the context holds {contextLength}.";
        if (Unknown(tokens, vocabulary) is { } token)
            return $"The sequence has the token {token}; the vocabulary has {vocabulary}.";
        for (var i = 0; i < request.Branches.Count; i++)
        {
            var branch = request.Branches[i];
            if (branch.Position < 1 || branch.Position > tokens.Length)
                return $"Branch {i} has position {branch.Position}; it must lie between 1 and {tokens.Length}.";
            if (branch.SpanStart < 0 || branch.SpanLength < 1 || branch.SpanLength > branch.Tokens.Length - branch.SpanStart)
                return $"Branch {i} of {branch.Tokens.Length} tokens has the span [{branch.SpanStart}, +{branch.SpanLength}); it must lie inside and not be empty.";
            if (branch.Tokens.Length > contextLength - branch.Position)
                return $"Branch {i} ends at token {branch.Position + branch.Tokens.Length}; the context holds {contextLength}.";
            if (Unknown(branch.Tokens.Span, vocabulary) is { } unknown)
                return $"Branch {i} has the token {unknown}; the vocabulary has {vocabulary}.";
        }

        return null;
    }

    private static int? Unknown(ReadOnlySpan<int> tokens, int vocabulary)
    {
        foreach (var token in tokens)
            if ((uint)token >= (uint)vocabulary)
                return token;
        return null;
    }
}
