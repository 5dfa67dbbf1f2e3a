using System.Text.Encodings.Web;
using System.Text.Json;

namespace Distributed.Engine.Tokenizers;

/// <summary>Writes the tokenizer.json of a word-level vocabulary, as Hugging Face's libraries read it.</summary>
public static class WordLevelTokenizerFile
{
    /// <summary>Writes a tokenizer.json; the file appears whole or not at all.</summary>
    /// <param name="path">Where.</param>
    /// <param name="tokens">The vocabulary; a token's id is its index. Holds the special tokens and the unknown token too.</param>
    /// <param name="specials">Tokens matched anywhere in a text, white space around them or not.</param>
    /// <param name="unknownToken">What words outside the vocabulary become.</param>
    /// <param name="split">How text is cut into words.</param>
    /// <exception cref="ArgumentException">A token is empty, listed twice, can never be matched, or a special or unknown token is not in the vocabulary.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(
        string path, IReadOnlyList<string> tokens, IReadOnlyCollection<string> specials, string unknownToken, WordSplit split = WordSplit.Whitespace)
    {
        var ids = CheckVocabulary(tokens, specials, unknownToken, split);
        WriteJson(path, json =>
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            json.WriteStartArray("added_tokens");
            foreach (var special in specials.OrderBy(special => ids[special]))
            {
                WriteSpecial(json, ids[special], special);
            }

            json.WriteEndArray();
            json.WriteNull("normalizer");
            json.WriteStartObject("pre_tokenizer");
            json.WriteString("type", split == WordSplit.Whitespace ? "WhitespaceSplit" : "Whitespace");
            json.WriteEndObject();
            json.WriteNull("post_processor");
            json.WriteNull("decoder");
            json.WriteStartObject("model");
            json.WriteString("type", "WordLevel");
            json.WriteStartObject("vocab");
            for (var id = 0; id < tokens.Count; id++)
            {
                json.WriteNumber(tokens[id], id);
            }

            json.WriteEndObject();
            json.WriteString("unk_token", unknownToken);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <summary>
    /// Writes the tokenizer_config.json that belongs beside it. Hugging Face's JavaScript library takes the unknown token from there, and without it
    /// both libraries would tidy up spaces when decoding.
    /// </summary>
    /// <param name="path">Where.</param>
    /// <param name="unknownToken">As in the tokenizer.json.</param>
    /// <param name="endToken">The end-of-sequence token, if there is one.</param>
    /// <param name="padToken">The padding token, if there is one.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void WriteConfig(string path, string unknownToken, string? endToken = null, string? padToken = null) => WriteJson(path, json =>
    {
        json.WriteStartObject();
        json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        json.WriteString("unk_token", unknownToken);
        json.WriteString("eos_token", endToken);
        json.WriteString("pad_token", padToken);
        json.WriteEndObject();
    });

    private static Dictionary<string, int> CheckVocabulary(
        IReadOnlyList<string> tokens, IReadOnlyCollection<string> specials, string unknownToken, WordSplit split)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var id = 0; id < tokens.Count; id++)
        {
            if (tokens[id].Length == 0 || !ids.TryAdd(tokens[id], id))
            {
                throw new ArgumentException($"token {id} \"{tokens[id]}\" is empty or listed twice; give each id its own token", nameof(tokens));
            }
        }

        if (!ids.ContainsKey(unknownToken))
        {
            throw new ArgumentException($"the unknown token \"{unknownToken}\" is not among the tokens; add it", nameof(unknownToken));
        }

        if (specials.FirstOrDefault(special => !ids.ContainsKey(special)) is { } missing)
        {
            throw new ArgumentException($"the special token \"{missing}\" is not among the tokens; add it", nameof(specials));
        }

        foreach (var token in tokens.Except(specials).Where(token => token != unknownToken))
        {
            var start = 0;
            if (!WordScanner.TryNext(token, split, ref start, out var end) || start != 0 || end != token.Length)
            {
                throw new ArgumentException($"the token \"{token}\" is cut apart by the word splitting and could never be matched; make it special", nameof(tokens));
            }
        }

        return ids;
    }

    private static void WriteSpecial(Utf8JsonWriter json, int id, string content)
    {
        json.WriteStartObject();
        json.WriteNumber("id", id);
        json.WriteString("content", content);
        json.WriteBoolean("single_word", false);
        json.WriteBoolean("lstrip", false);
        json.WriteBoolean("rstrip", false);
        json.WriteBoolean("normalized", false);
        json.WriteBoolean("special", true);
        json.WriteEndObject();
    }

    private static void WriteJson(string path, Action<Utf8JsonWriter> write)
    {
        var aside = path + ".part";
        using (var file = File.Create(aside))
        using (var json = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            write(json);
            json.Flush();
            file.Flush(flushToDisk: true);
        }

        File.Move(aside, path, overwrite: true);
    }
}
