namespace Distributed.Engine.Tokenizers;

/// <summary>Decides what a tokenizer.json asks for and whether we can do it.</summary>
internal static class TokenizerFile
{
    public static Tokenizer Read(JsonPlace root)
    {
        RequireNull(root["truncation"]);
        RequireNull(root["padding"]);
        var model = root["model"];
        var added = AddedToken.ReadAll(root["added_tokens"]);
        return model["type"].Text() switch
        {
            "WordLevel" => ReadWordLevel(root, model, added),
            "BPE" => ReadByteLevelBpe(root, model, added),
            var other => throw model["type"].Refuse($"\"{other}\" is not supported; use a WordLevel or a byte-level BPE tokenizer"),
        };
    }

    private static Tokenizer ReadWordLevel(JsonPlace root, JsonPlace model, List<AddedToken> added)
    {
        RequireNull(root["normalizer"]);
        RequireNull(root["post_processor"]);
        RequireNull(root["decoder"]);
        var vocabulary = Vocabulary.Read(model["vocab"], added);
        var unknown = model["unk_token"].Text();
        var unknownId = vocabulary.Id(unknown) ?? throw model["unk_token"].Refuse($"\"{unknown}\" is not in model.vocab; add it");
        return new Tokenizer(vocabulary, new WordLevelModel(vocabulary, ReadSplits(root["pre_tokenizer"]), unknownId), added, composes: false);
    }

    private static IReadOnlyList<WordSplit> ReadSplits(JsonPlace place)
    {
        switch (place["type"].Text())
        {
            case "WhitespaceSplit":
                return [WordSplit.Whitespace];
            case "Whitespace":
                return [WordSplit.WordsAndPunctuation];
            case "Sequence":
                WordSplit[] splits = [.. place["pretokenizers"].Items().SelectMany(ReadSplits)];
                return splits.Length > 0 ? splits : throw place["pretokenizers"].Refuse("empty; name WhitespaceSplit or Whitespace");
            case var other:
                throw place["type"].Refuse($"\"{other}\" is not supported with WordLevel; use WhitespaceSplit, Whitespace or a Sequence of them");
        }
    }

    private static Tokenizer ReadByteLevelBpe(JsonPlace root, JsonPlace model, List<AddedToken> added)
    {
        var composes = ReadNormalizer(root["normalizer"]);
        RequireType(root["decoder"], "ByteLevel", "byte-level tokens are decoded by bytes");
        RequireNull(model["dropout"]);
        RequireNull(model["unk_token"]);
        RequireEmpty(model["continuing_subword_prefix"]);
        RequireEmpty(model["end_of_word_suffix"]);
        RequireFalse(model["fuse_unk"], otherwise: false);
        RequireFalse(model["byte_fallback"], otherwise: false);

        PieceCutter[] cutters = [.. PreTokenizerFile.Read(root["pre_tokenizer"])];
        var vocabulary = Vocabulary.Read(model["vocab"], added);
        var merges = MergeTable.Read(model["merges"], vocabulary);
        var bytes = new int[256];
        for (var value = 0; value < bytes.Length; value++)
        {
            bytes[value] = vocabulary.Id(ByteCharacters.Of((byte)value).ToString())
                ?? throw model["vocab"].Refuse($"byte 0x{value:X2} (\"{ByteCharacters.Of((byte)value)}\") has no token; train with the full byte alphabet");
        }

        var ignoresMerges = model["ignore_merges"].Flag(otherwise: false);
        return new Tokenizer(vocabulary, new ByteLevelBpeModel(vocabulary, merges, cutters, bytes, ignoresMerges), added, composes, FrameTokens.Read(root["post_processor"], vocabulary));
    }

    /// <summary>True for NFC, false for none.</summary>
    private static bool ReadNormalizer(JsonPlace place)
    {
        if (place.IsNull)
        {
            return false;
        }

        if (place["type"].Text() == "Sequence")
        {
            // All of them are read, so that none goes unchecked.
            return place["normalizers"].Items().Select(ReadNormalizer).ToList().Contains(true);
        }

        RequireType(place, "NFC", "only NFC, a Sequence of it, or null");
        return true;
    }

    internal static void RequireType(JsonPlace place, string type, string why)
    {
        if (place["type"].Text() is var found && found != type)
        {
            throw place["type"].Refuse($"\"{found}\" is not supported here, only \"{type}\": {why}");
        }
    }

    private static void RequireNull(JsonPlace place)
    {
        if (!place.IsNull)
        {
            throw place.Refuse("not supported with this model; set it to null");
        }
    }

    private static void RequireEmpty(JsonPlace place)
    {
        if (!place.IsNull && place.Text().Length > 0)
        {
            throw place.Refuse("not supported; set it to null");
        }
    }

    // Absent means false in a model but true in a pre-tokenizer, so there it must be said.
    internal static void RequireFalse(JsonPlace place, bool? otherwise = null)
    {
        if (otherwise is null ? place.Flag() : place.Flag(otherwise.Value))
        {
            throw place.Refuse("true is not supported; set it to false");
        }
    }
}
