using System.Text.Json;

namespace Distributed.Engine.Templates;

/// <summary>
/// A chat template: the part of Jinja that model folders use, rendered to the character as Jinja2 does under transformers' settings
/// (trim_blocks, lstrip_blocks, tojson = json.dumps(ensure_ascii=False)). What is not supported is refused with its line and column.
/// </summary>
/// <remarks>Safe to use from several threads. A template cannot read the time, files or the environment.</remarks>
public sealed class ChatTemplate
{
    private const int WorkPerCharacter = 16;

    private readonly string _name;
    private readonly IReadOnlyList<Statement> _body;

    private ChatTemplate(string name, IReadOnlyList<Statement> body) => (_name, _body) = (name, body);

    /// <summary>Reads a template.</summary>
    /// <param name="source">The template.</param>
    /// <param name="name">What complaints call it, a file for example.</param>
    /// <exception cref="TemplateException">It is not a template, or uses what is not supported.</exception>
    public static ChatTemplate Parse(string source, string name = "chat template") => new(name, StatementParser.Read(name, source));

    /// <summary>Renders the template.</summary>
    /// <param name="variables">Its variables: messages, tools, add_generation_prompt, special tokens and whatever else it asks for. JSON null is None; a name left out is undefined.</param>
    /// <param name="limits">What rendering may use.</param>
    /// <exception cref="TemplateException">The template fails on these variables, or uses too much.</exception>
    public string Render(IEnumerable<KeyValuePair<string, JsonElement>> variables, TemplateLimits? limits = null)
    {
        limits ??= new TemplateLimits();
        var reader = new JsonValueReader(_name);
        var scope = new Scope(null);
        foreach (var (name, value) in variables)
            if (value.ValueKind != JsonValueKind.Undefined)
                scope.Set(name, reader.Read(value));
        var rendering = new Rendering(_name, limits, limits.Work + (reader.Characters * WorkPerCharacter), scope);
        Statement.RunAll(_body, rendering);
        return rendering.Output;
    }
}
