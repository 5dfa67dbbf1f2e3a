using System.Runtime.InteropServices;
using System.Text.Json;

namespace Distributed.Engine.Tests.Model;

/// <summary>Reference models and numbers under fixtures/model; its README says how they were made.</summary>
internal sealed class ModelFixture
{
    private readonly JsonElement _expected;

    public ModelFixture(string name)
    {
        Folder = Path.Combine(Root, name);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "expected.json")));
        _expected = json.RootElement.Clone();
    }

    public static string Root => Path.Combine(AppContext.BaseDirectory, "fixtures", "model");

    public string Folder { get; }

    public JsonElement this[string key] => _expected.GetProperty(key);

    public int[][] Inputs => [.. this["input_ids"].EnumerateArray().Select(Ints)];

    public static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(v => v.GetInt32())];

    public static double[] Doubles(JsonElement list) => [.. list.EnumerateArray().Select(v => v.GetDouble())];

    public float[] Floats(string file) => MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Path.Combine(Folder, file))).ToArray();
}
