using System.Text;
using System.Text.Json;

namespace Distributed.Engine.Templates;

/// <summary>The chat template of a model folder, and the special tokens it may name.</summary>
/// <param name="Template">The template.</param>
/// <param name="SpecialTokens">bos_token, eos_token and so on, as variables of the template.</param>
public sealed record ChatTemplateFile(ChatTemplate Template, IReadOnlyList<KeyValuePair<string, JsonElement>> SpecialTokens)
{
    private const string ConfigName = "tokenizer_config.json";
    private const string TemplateName = "chat_template.jinja";
    private const long LargestFile = 16 << 20;

    /// <summary>Reads chat_template.jinja, or else tokenizer_config.json's chat_template.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="withTools">Where the folder has several templates: the one for tools.</param>
    /// <exception cref="TemplateException">The folder has no template, or one that is not supported.</exception>
    public static ChatTemplateFile Read(string folder, bool withTools)
    {
        var config = Path.Combine(folder, ConfigName);
        var separate = Path.Combine(folder, TemplateName);
        if (!File.Exists(config))
        {
            return File.Exists(separate) ? new ChatTemplateFile(ReadTemplate(separate), [])
                : throw Refuse(config, $"is missing, and so is {TemplateName}; give a folder that has one, or a template file");
        }

        try
        {
            using var document = JsonDocument.Parse(ReadBounded(config));
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw Refuse(config, "is not a JSON object; fetch it again");
            return new ChatTemplateFile(File.Exists(separate) ? ReadTemplate(separate) : Choose(config, root, withTools), SpecialsOf(root));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Refuse(config, $"is not valid JSON ({error.Message}); fetch it again");
        }
    }

    /// <summary>Reads a template from a file of its own.</summary>
    /// <exception cref="TemplateException">The file cannot be read, or the template is not supported.</exception>
    public static ChatTemplate ReadTemplate(string path)
    {
        try
        {
            return ChatTemplate.Parse(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(ReadBounded(path)).TrimStart('\ufeff'), path);
        }
        catch (DecoderFallbackException)
        {
            throw Refuse(path, "is not UTF-8; write the file anew");
        }
    }

    private static ChatTemplate Choose(string path, JsonElement root, bool withTools)
    {
        if (!root.TryGetProperty("chat_template", out var template) || template.ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
            throw Refuse(path, "has no chat_template; give a template file");
        if (template.ValueKind == JsonValueKind.String)
            return ChatTemplate.Parse(template.GetString()!, $"{path}: chat_template");
        var named = template.EnumerateArray()
            .Where(entry => entry.ValueKind == JsonValueKind.Object)
            .ToLookup(entry => Member(entry, "name"), entry => Member(entry, "template"));
        foreach (var name in withTools ? ["tool_use", "default"] : (string[])["default"])
            if (named[name].FirstOrDefault() is { } source)
                return ChatTemplate.Parse(source, $"{path}: chat_template '{name}'");
        throw Refuse(path, "has several chat templates but none is named 'default'; give a template file");
    }

    private static string? Member(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    // A special token is a string, or an object with its content.
    private static List<KeyValuePair<string, JsonElement>> SpecialsOf(JsonElement root)
    {
        var specials = new List<KeyValuePair<string, JsonElement>>();
        foreach (var member in root.EnumerateObject().Where(member => member.Name.EndsWith("_token", StringComparison.Ordinal)))
        {
            var value = member.Value.ValueKind == JsonValueKind.Object && member.Value.TryGetProperty("content", out var content) ? content : member.Value;
            if (value.ValueKind == JsonValueKind.String)
                specials.Add(KeyValuePair.Create(member.Name, value.Clone()));
        }

        return specials;
    }

    private static byte[] ReadBounded(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return file.Length <= LargestFile ? File.ReadAllBytes(path) : throw Refuse(path, $"is larger than {LargestFile >> 20} MiB; it cannot be what it is taken for");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Refuse(path, $"cannot be read: {error.Message}");
        }
    }

    private static TemplateException Refuse(string path, string complaint) => new(path, new TemplatePlace(1, 1), complaint);
}
