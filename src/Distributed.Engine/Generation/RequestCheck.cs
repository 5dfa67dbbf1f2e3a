using Distributed.Ports;

namespace Distributed.Engine.Generation;

/// <summary>Refuses requests that cannot be served, each with a line that says what to change.</summary>
internal static class RequestCheck
{
    /// <summary>What is wrong with a request, or null.</summary>
    /// <param name="request">The request.</param>
    /// <param name="held">Tokens its sequence holds already.</param>
    /// <param name="vocabulary">V.</param>
    public static string? Complaint(GenerateRequest request, int held, int vocabulary)
    {
        if (request.MaxNewTokens < 1)
            return $"MaxNewTokens is {request.MaxNewTokens}; at least one token must be asked for";
        if (request.StopStrings.Any(stop => stop.Length == 0))
            return "a stop string is empty; leave it out";
        if (request.Sampling is not { Temperature: >= 0 and < float.PositiveInfinity, TopK: >= 0, TopP: > 0 and <= 1, MinP: >= 0 and <= 1 })
            return $"{request.Sampling} is out of range; Temperature must be 0 or more, TopK 0 or more, TopP above 0 and at most 1, MinP from 0 to 1";
        foreach (var token in request.StopTokens)
        {
            if ((uint)token >= (uint)vocabulary)
                return $"stop token {token} is outside the model's vocabulary of {vocabulary}; leave it out";
        }

        if (held + request.Append.Length == 0)
            return "it has no tokens to go on from; append a prompt";
        foreach (var token in request.Append.Span)
        {
            if ((uint)token >= (uint)vocabulary)
                return $"token id {token} is outside the model's vocabulary of {vocabulary}; is it the right tokenizer?";
        }

        return null;
    }

    /// <summary>The refusal of a turn that the whole cache could not hold.</summary>
    public static CacheTooSmallError TooLarge(long sequence, int positions, IPageStore pages)
    {
        long needed = KeyValueLayout.Pages(positions) * pages.PageBytes, available = pages.Capacity * pages.PageBytes;
        return new CacheTooSmallError(
            $"sequence {sequence}: keys and values of {positions} tokens need {needed:N0} bytes and the cache may take {available:N0}; raise CacheBytes, or ask for fewer tokens",
            needed, available);
    }
}
