namespace Distributed.Engine.Tokenizers;

/// <summary>Tokens that a post-processor puts around a text.</summary>
/// <param name="Before">Before it.</param>
/// <param name="After">After it.</param>
internal sealed record FrameTokens(IReadOnlyList<int> Before, IReadOnlyList<int> After)
{
    private const int MostTokens = 64;

    public static FrameTokens None { get; } = new([], []);

    /// <summary>Reads the post_processor: null, ByteLevel (which adds nothing), TemplateProcessing, or a Sequence of these.</summary>
    public static FrameTokens Read(JsonPlace place, Vocabulary vocabulary)
    {
        if (place.IsNull)
        {
            return None;
        }

        switch (place["type"].Text())
        {
            case "ByteLevel":
                return None;
            case "TemplateProcessing":
                return ReadTemplate(place, vocabulary);
            case "Sequence":
                var frames = place["processors"].Items().Select(item => Read(item, vocabulary)).Where(frame => frame != None).ToList();
                return frames.Count switch
                {
                    0 => None,
                    1 => frames[0],
                    _ => throw place["processors"].Refuse("more than one TemplateProcessing; keep one"),
                };
            case var other:
                throw place["type"].Refuse($"\"{other}\" is not supported; there are ByteLevel, TemplateProcessing and a Sequence of them");
        }
    }

    private static FrameTokens ReadTemplate(JsonPlace place, Vocabulary vocabulary)
    {
        var (before, after, seen) = (new List<int>(), new List<int>(), false);
        foreach (var piece in place["single"].Items())
        {
            if (!piece["Sequence"].IsNull)
            {
                if (seen || piece["Sequence"]["id"].Text() != "A")
                {
                    throw piece.Refuse("expected the text, \"A\", once");
                }

                seen = true;
                continue;
            }

            var tokens = place["special_tokens"][piece["SpecialToken"]["id"].Text()]["ids"].Items().ToList();
            if (before.Count + after.Count + tokens.Count > MostTokens)
            {
                throw piece.Refuse($"more than {MostTokens} tokens around a text");
            }

            foreach (var token in tokens)
            {
                if (vocabulary.Token(token.Id()) is null)
                {
                    throw token.Refuse("no token has this id; add it to added_tokens");
                }

                (seen ? after : before).Add(token.Id());
            }
        }

        return seen ? new FrameTokens(before, after) : throw place["single"].Refuse("the text, \"A\", is missing");
    }
}
