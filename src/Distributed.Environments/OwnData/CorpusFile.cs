using System.Text.Json;

using Distributed.Environments.Search;

namespace Distributed.Environments.OwnData;

/// <summary>
/// Passages as JSONL, as Search-R1 has them: <c>id</c> and <c>contents</c>. Where the contents have several lines, the first is the title.
/// </summary>
public static class CorpusFile
{
    private const string Wanted = """{"id": "...", "contents": "..."}""";

    /// <summary>Reads passages one by one; nothing is kept.</summary>
    /// <exception cref="EnvironmentSetupException">The file or a line of it is unusable.</exception>
    public static IEnumerable<Passage> Read(string path) => JsonLines.Read(path, Wanted, ReadPassage);

    private static Passage ReadPassage(JsonElement line)
    {
        if (!line.TryGetProperty("id", out var id))
            throw new LineException("\"id\" is missing");
        if (id.ValueKind is not (JsonValueKind.String or JsonValueKind.Number))
            throw new LineException("\"id\" is neither a text nor a number");
        var contents = JsonLines.Text(line, "contents").Trim();
        if (contents.Length == 0)
            throw new LineException("\"contents\" is empty");
        var firstLine = contents.IndexOf('\n', StringComparison.Ordinal);
        return firstLine < 0 ? new Passage("", contents) : new Passage(contents[..firstLine].Trim().Trim('"'), contents[(firstLine + 1)..].Trim());
    }
}
