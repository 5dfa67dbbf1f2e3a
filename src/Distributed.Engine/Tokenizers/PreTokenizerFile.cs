namespace Distributed.Engine.Tokenizers;

/// <summary>Reads the pre_tokenizer of a byte-level tokenizer.json.</summary>
internal static class PreTokenizerFile
{
    private const int MostSteps = 16;

    /// <summary>The cutters, in the order they apply: each cuts the pieces of the one before. The last step must be ByteLevel.</summary>
    public static List<PieceCutter> Read(JsonPlace place)
    {
        var cutters = new List<PieceCutter>();
        JsonPlace[] steps = place["type"].Text() == "Sequence" ? [.. place["pretokenizers"].Items()] : [place];
        if (steps.Length is 0 or > MostSteps || steps[^1]["type"].Text() is var last && last != "ByteLevel")
        {
            throw place.Refuse($"expected up to {MostSteps} steps, the last one of type ByteLevel");
        }

        foreach (var step in steps)
        {
            switch (step["type"].Text())
            {
                case "Split":
                    cutters.Add(ReadSplit(step));
                    break;
                case "Digits":
                    cutters.Add(PatternCutter.Read(step["individual_digits"].Flag() ? @"\p{N}" : @"\p{N}+", step));
                    break;
                case "ByteLevel" when step.Place == steps[^1].Place:
                    TokenizerFile.RequireFalse(step["add_prefix_space"]);
                    if (step["use_regex"].Flag(otherwise: true))
                    {
                        cutters.Add(PatternCutter.Read(PatternCutter.ByteLevelPattern, step));
                    }

                    break;
                case var other:
                    throw step["type"].Refuse($"\"{other}\" is not supported here; there are Split, Digits and, as the last one, ByteLevel");
            }
        }

        return cutters;
    }

    private static PieceCutter ReadSplit(JsonPlace split)
    {
        TokenizerFile.RequireFalse(split["invert"]);
        if (split["behavior"].Text() != "Isolated")
        {
            throw split["behavior"].Refuse("only \"Isolated\" is supported");
        }

        var pattern = split["pattern"]["Regex"];
        return pattern.Text() switch
        {
            PieceScanner.SingleDigitPattern => new PieceScanner(1),
            PieceScanner.TripleDigitPattern => new PieceScanner(3),
            var other => PatternCutter.Read(other, pattern),
        };
    }
}
