using System.Text.Json;
using System.Text.Unicode;
using Distributed.Ports;

namespace Distributed.Engine.Tokenizers;

/// <summary>
/// A tokenizer read from Hugging Face's tokenizer.json. Two model kinds: WordLevel over whitespace pre-tokenizers, and
/// byte-level BPE as GPT-2, Llama 3, Qwen2, Qwen3 and DeepSeek-V3 have it. Everything else in a file is refused, never ignored.
/// </summary>
/// <remarks>
/// The order is that of Hugging Face's library: added tokens are cut out of the raw text (leftmost, then longest), each part
/// between them is normalized, added tokens marked as normalized are cut out of that, and the model encodes the rest.
/// Character ranges count UTF-16 units of the text as given and are never trimmed. Where normalization changed a combining
/// sequence, its tokens carry the range of the whole sequence.
/// </remarks>
public sealed class Tokenizer : ITokenizer
{
    private readonly Vocabulary _vocabulary;
    private readonly TokenModel _model;
    private readonly AddedTokenMatcher _rawMatcher;
    private readonly AddedTokenMatcher _normalizedMatcher;
    private readonly bool _composes;
    private readonly HashSet<int> _specials;
    private readonly FrameTokens _frame;

    internal Tokenizer(Vocabulary vocabulary, TokenModel model, IReadOnlyList<AddedToken> added, bool composes, FrameTokens? frame = null)
    {
        _specials = [.. added.Where(token => token.Special).Select(token => token.Id)];
        _frame = frame ?? FrameTokens.None;
        _vocabulary = vocabulary;
        _model = model;
        _composes = composes;
        _rawMatcher = new AddedTokenMatcher([.. added.Where(token => !token.Normalized).Select(token => (token.Content, token.Id))]);
        _normalizedMatcher = new AddedTokenMatcher(
            [.. added.Where(token => token.Normalized).Select(token => (composes ? ComposedText.Of(token.Content).Text : token.Content, token.Id))]);
    }

    /// <inheritdoc/>
    public int VocabularySize => _vocabulary.Size;

    /// <summary>Reads a tokenizer.json.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="TokenizerFileException">The file is missing, unreadable, not JSON, or asks for something that is not supported.</exception>
    public static Tokenizer Load(string path)
    {
        try
        {
            return Parse(ReadBounded(path), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new TokenizerFileException($"{path}: cannot be read: {FirstLine(error.Message)}; give the path of a tokenizer.json", error);
        }
    }

    /// <summary>Reads the content of a tokenizer.json.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="name">What complaints call the file.</param>
    /// <exception cref="TokenizerFileException">Not JSON, or it asks for something that is not supported.</exception>
    public static Tokenizer Parse(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            if (!Utf8.IsValid(json.Span))
            {
                throw new TokenizerFileException($"{name}: not UTF-8; write the file anew");
            }

            using var document = JsonDocument.Parse(json);
            return TokenizerFile.Read(new JsonPlace(name, "", document.RootElement));
        }
        catch (JsonException error)
        {
            throw new TokenizerFileException($"{name}: not JSON: {FirstLine(error.Message)}; write the file anew", error);
        }
        catch (InvalidOperationException error)
        {
            // JSON may spell half a surrogate pair in a name, which no text can hold.
            throw new TokenizerFileException($"{name}: a name in it has an escape that is not a character; write the file anew", error);
        }
    }

    /// <inheritdoc/>
    public int[] Encode(string text)
    {
        var ids = new List<int>(text.Length / 3 + 4);
        var rest = text.AsSpan();
        while (_rawMatcher.TryFind(rest, out var start, out var length, out var id))
        {
            EncodePart(rest[..start], ids);
            ids.Add(id);
            rest = rest[(start + length)..];
        }

        EncodePart(rest, ids);
        return [.. ids];
    }

    /// <summary>As <see cref="Encode"/>, with the tokens around it that the file's post-processor asks for, a begin-of-text token for example.</summary>
    public int[] EncodeFramed(string text) => [.. _frame.Before, .. Encode(text), .. _frame.After];

    /// <inheritdoc/>
    public TokenSpan[] EncodeWithOffsets(string text)
    {
        var spans = new List<TokenSpan>(text.Length / 3 + 4);
        var position = 0;
        while (_rawMatcher.TryFind(text.AsSpan(position), out var start, out var length, out var id))
        {
            EncodePart(text.AsSpan(position, start), position, spans);
            position += start;
            spans.Add(new TokenSpan(id, position, position + length));
            position += length;
        }

        EncodePart(text.AsSpan(position), position, spans);
        return [.. spans];
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids) => _model.Decode(ids);

    /// <summary>Text of token ids without special tokens. Unknown ids are skipped.</summary>
    public string DecodePlain(ReadOnlySpan<int> ids)
    {
        var kept = new List<int>(ids.Length);
        foreach (var id in ids)
        {
            if (!_specials.Contains(id))
            {
                kept.Add(id);
            }
        }

        return _model.Decode(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(kept));
    }

    /// <inheritdoc/>
    public int? TokenId(string token) => _vocabulary.Id(token);

    private void EncodePart(ReadOnlySpan<char> part, List<int> ids)
    {
        if (_composes && !ComposedText.IsComposed(part))
        {
            part = ComposedText.Of(part).Text;
        }

        while (_normalizedMatcher.TryFind(part, out var start, out var length, out var id))
        {
            _model.Encode(part[..start], ids);
            ids.Add(id);
            part = part[(start + length)..];
        }

        _model.Encode(part, ids);
    }

    private void EncodePart(ReadOnlySpan<char> part, int offset, List<TokenSpan> spans)
    {
        ComposedText? composed = null;
        if (_composes && !ComposedText.IsComposed(part))
        {
            composed = ComposedText.Of(part);
            part = composed.Text;
        }

        var position = 0;
        while (_normalizedMatcher.TryFind(part[position..], out var start, out var length, out var id))
        {
            EncodeRun(part.Slice(position, start), position, spans);
            position += start;
            Add(new TokenSpan(id, position, position + length), 0, spans);
            position += length;
        }

        EncodeRun(part[position..], position, spans);

        void EncodeRun(ReadOnlySpan<char> run, int shift, List<TokenSpan> into)
        {
            var first = into.Count;
            _model.EncodeWithOffsets(run, into);
            for (var i = first; i < into.Count; i++)
            {
                into[i] = Place(into[i], shift);
            }
        }

        void Add(TokenSpan span, int shift, List<TokenSpan> into) => into.Add(Place(span, shift));

        TokenSpan Place(TokenSpan span, int shift)
        {
            var (start, end) = (span.Start + shift, span.End + shift);
            if (composed is not null)
            {
                (start, end) = (composed.Original(start).Start, composed.Original(end - 1).End);
            }

            return new TokenSpan(span.Id, start + offset, end + offset);
        }
    }

    private static byte[] ReadBounded(string path)
    {
        using var file = File.OpenRead(path);
        return file.Length <= LargestFile
            ? File.ReadAllBytes(path)
            : throw new TokenizerFileException($"{path}: larger than {LargestFile >> 20} MiB; a tokenizer.json is not");
    }

    private static string FirstLine(string message) => message.ReplaceLineEndings("\n").Split('\n')[0].TrimEnd('.');

    private const long LargestFile = 256L << 20;
}
