using System.CommandLine;
using System.Text.Json;
using Distributed.Engine.Templates;
using Distributed.Engine.Tokenizers;
using Distributed.Node.Composition;
using Distributed.Node.Models;

namespace Distributed.Node.Commands;

/// <summary><c>distributed model render</c>: messages and tools as the text a model reads.</summary>
internal static class ModelRenderCommand
{
    public static Command Create()
    {
        var input = new Argument<string>("messages")
        {
            Description = "A JSON file (- for standard input) or the JSON itself: a list of messages, or an object with messages, tools, add_generation_prompt and whatever else the template knows.",
        };
        var folder = new Option<string?>("--model") { Description = "The folder whose chat template to use." };
        var template = new Option<string?>("--template") { Description = "A file that holds a template, instead." };
        var ids = new Option<bool>("--ids") { Description = "Print JSON with the text and its token ids; needs --model." };
        var command = new Command("render", "Render a chat template. The text is printed as it is, without a line break after it.") { input, folder, template, ids };
        command.SetAction(parsed => Print(parsed.GetValue(input)!, parsed.GetValue(folder), parsed.GetValue(template), parsed.GetValue(ids)));
        return command;
    }

    /// <summary>Renders a conversation with a folder's template.</summary>
    public static string Render(string folder, IReadOnlyDictionary<string, JsonElement> variables)
    {
        var file = Refusals.Of(() => ChatTemplateFile.Read(folder, Conversation.HasTools(variables)));
        return Refusals.Of(() => file.Template.Render([.. file.SpecialTokens, .. variables]));
    }

    private static int Print(string input, string? folder, string? template, bool ids)
    {
        if (folder is null == template is null)
            throw new RefusedException("give --model or --template, one of the two");
        if (ids && folder is null)
            throw new RefusedException("--ids needs --model, whose tokenizer makes them");
        var variables = Conversation.Read(input, asks: false);
        var text = folder is not null ? Render(folder, variables) : Refusals.Of(() => ChatTemplateFile.ReadTemplate(template!).Render(variables));
        if (!ids)
        {
            Console.Out.Write(text);
            return 0;
        }

        var tokenizer = Refusals.Of(() => Tokenizer.Load(Path.Combine(folder!, ModelEngine.TokenizerName)));
        OutputJson.Print(json =>
        {
            json.WriteStartObject();
            json.WriteString("text", text);
            json.WriteIds("ids", tokenizer.Encode(text));
            json.WriteEndObject();
        });
        return 0;
    }
}
