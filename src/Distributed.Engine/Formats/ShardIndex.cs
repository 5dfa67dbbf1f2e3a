using System.Text.Json;

namespace Distributed.Engine.Formats;

/// <summary>Hugging Face's model.safetensors.index.json: which of several files holds which tensor.</summary>
internal static class ShardIndex
{
    /// <summary>Most files a model may be cut into.</summary>
    public const int MostShards = 4096;
    private const long LongestFile = 64 << 20;

    /// <summary>File name by tensor name.</summary>
    /// <exception cref="ModelFormatException">The file is missing or malformed, or names a file outside its own folder.</exception>
    public static Dictionary<string, string> Load(string path) => Parse(path, JsonFile.Read(path, LongestFile, "a model's index"));

    public static Dictionary<string, string> Parse(string path, byte[] bytes) => JsonFile.Parse(path, bytes, "the model's index", root =>
    {
        if (!root.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            throw new ModelFormatException($"{path}: weight_map is missing or not an object; it says which file holds which tensor.");
        var files = new Dictionary<string, string>();
        var distinct = new HashSet<string>();
        foreach (var member in map.EnumerateObject())
        {
            var name = member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString()! : "";
            if (!IsPlainName(name))
                throw new ModelFormatException(
                    $"{path}: weight_map.{SafetensorsHeader.Short(member.Name)} must be the name of a .safetensors file in the same folder, not '{SafetensorsHeader.Short(member.Value.ToString())}'.");
            if (!files.TryAdd(member.Name, name))
                throw new ModelFormatException($"{path}: weight_map.{SafetensorsHeader.Short(member.Name)} is listed twice; keep one of the two.");
            if (distinct.Add(name) && distinct.Count > MostShards)
                throw new ModelFormatException($"{path}: weight_map names more than {MostShards} files; this is not a model's index.");
        }

        return files.Count > 0 ? files : throw new ModelFormatException($"{path}: weight_map is empty; fetch the model's index again.");
    });

    /// <summary>Writes an index.</summary>
    public static void Save(string path, IReadOnlyDictionary<string, string> files, long totalBytes) => JsonFile.Write(path, json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", totalBytes);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach (var (tensor, file) in files.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            json.WriteString(tensor, file);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    // An index comes from elsewhere; it must not reach out of its folder.
    private static bool IsPlainName(string name) =>
        name.Length is > 12 and <= 255 && name.EndsWith(".safetensors", StringComparison.Ordinal)
        && name.All(c => c is >= ' ' and not ('/' or '\\' or ':' or '\u007F')) && name[0] != '.';
}
