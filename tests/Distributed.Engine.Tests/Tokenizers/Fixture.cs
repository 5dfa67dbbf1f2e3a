using System.Text.Json;

namespace Distributed.Engine.Tests.Tokenizers;

internal static class Fixture
{
    public static string Path(params string[] parts) => System.IO.Path.Combine([AppContext.BaseDirectory, "fixtures", "tokenizer", .. parts]);

    // Rows hold raw U+2028 and U+0085, which are line breaks to some readers: split on \n alone.
    public static IEnumerable<JsonElement> Rows(params string[] parts) =>
        File.ReadAllText(Path(parts)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement);

    public static string Text(this JsonElement row, string name) => row.GetProperty(name).GetString()!;

    public static int[] Ids(this JsonElement row, string name) => [.. row.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    /// <summary>A changed copy of a tokenizer.json, in a file of its own.</summary>
    public static string Edited(string folder, string source, Func<string, string> edit)
    {
        var path = System.IO.Path.Combine(folder, System.IO.Path.GetRandomFileName() + ".json");
        File.WriteAllText(path, edit(File.ReadAllText(source)));
        return path;
    }
}

/// <summary>A folder that is gone after the test.</summary>
internal sealed class ScratchFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("distributed-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
